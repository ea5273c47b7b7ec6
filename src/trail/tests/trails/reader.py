"""Reads an audit trail by FORMAT.md alone: the second opinion of src/trail/tests/trails/recipients.rs.

    python reader.py TRAIL [KEY.pem ...]

Verifies chain and signatures, opens what the keys open, and prints one line an event: microseconds, channel, kind, body as hex.
Needs the package `cryptography`, and the program `zstd` (a library of it comes with Python 3.14).
"""

import hashlib
import subprocess
import sys

from cryptography.hazmat.primitives import hashes, hpke, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"\x89SPT\r\n\x1a\n"


def sha256(data):
    return hashlib.sha256(data).digest()


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def text(data, at):
    length, at = varint(data, at)
    return data[at : at + length], at + length


def read_head(data):
    assert data[:8] == MAGIC and data[8] == 1, "no trail of version 1"
    assert data[14:18] == sha256(data[:14])[:4], "damaged head"
    end = 18 + int.from_bytes(data[10:14], "big")
    fields, at = [], 18
    while at < end:
        tag = data[at]
        field, at = text(data, at + 1)
        fields.append((tag, field))
    signer = dict(fields)[6]
    assert signer[0] == 1, "not ed25519"
    signer = ed25519.Ed25519PublicKey.from_public_bytes(signer[1:])
    signer.verify(data[end : end + 64], b"sps trail head 1\0" + data[:end])
    return fields, signer, end + 64


def unwrap(fields, path):
    key = serialization.load_pem_private_key(open(path, "rb").read(), None)
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    session = dict(fields)[1]
    for field in (field for tag, field in fields if tag == 8):
        streams, way, fingerprint = field[0], field[1], field[2:34]
        _name, at = text(field, 34)
        if fingerprint != sha256(spki):
            continue
        info = b"sps trail key 1\0" + bytes([streams]) + session
        if way == 1:
            suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_128_GCM)
            secret = suite.decrypt(field[at:], key, info)
        else:
            assert isinstance(key, rsa.RSAPrivateKey)
            oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), info)
            secret = key.decrypt(field[at:], oaep)
        named = [stream for stream in (1, 2) if streams & stream]
        return {stream: AESGCM(secret[16 * n : 16 * n + 16]) for n, stream in enumerate(named)}
    sys.exit("not for this key")


def events(payload):
    at = place = 0
    while place < len(payload):
        kind = payload[place]
        channel, place = varint(payload, place + 1)
        later, place = varint(payload, place)
        at += later
        end = place + 4 + int.from_bytes(payload[place : place + 4], "big")
        yield at, channel, kind, payload[place + 4 : end]
        place = end


def main():
    data = open(sys.argv[1], "rb").read()
    fields, signer, at = read_head(data)
    keys = {}
    for path in sys.argv[2:]:
        keys.update(unwrap(fields, path))
    link, sequence, chunks, ended, found = sha256(data[:at]), 0, 0, False, []
    while at < len(data):
        header = data[at : at + 28]
        kind, stream = header[0], header[1]
        flags, length = int.from_bytes(header[2:4], "big"), int.from_bytes(header[4:8], "big")
        assert header[24:] == sha256(header[:24])[:4], "damaged header"
        assert int.from_bytes(header[8:16], "big") == sequence, "chain broken"
        body = data[at + 28 : at + 28 + length]
        if kind == 2:
            count, time, signature = body[:8], body[8:16], body[16:]
            signer.verify(signature, b"sps trail seal 1\0" + link + header[8:16] + count + time)
            assert int.from_bytes(count, "big") == chunks
        ended = kind == 4 or (ended and kind == 2)
        link = sha256(link + header + body)
        assert data[at + 28 + length : at + 60 + length] == link, "damaged record"
        if kind == 1:
            chunks += 1
            if flags & 2 and stream in keys:
                body = keys[stream].decrypt(bytes(4) + header[8:16], body, header)
            if not flags & 2 or stream in keys:
                if flags & 1:
                    body = subprocess.run(["zstd", "-dcq"], input=body, stdout=subprocess.PIPE, check=True).stdout
                found += events(body)
        at, sequence = at + 60 + length, sequence + 1
    assert ended, "cut"
    for event in sorted(found, key=lambda event: (event[0], event[2] != 8)):
        print(event[0], event[1], event[2], event[3].hex())


main()

"""asyncssh through the gateway: commands side by side, errors and signals, SFTP both ways, a forward, a half-closed channel.

Arguments: port, user, password, folder on this machine, folder on the server, port of a server beyond the target.
"""

import asyncio
import os
import sys

import asyncssh

port, user, password, here, there, beyond = sys.argv[1:7]


async def main():
    options = {"known_hosts": None, "client_keys": None, "agent_path": None}
    async with asyncssh.connect("127.0.0.1", int(port), username=user, password=password, **options) as connection:
        said = await asyncio.gather(*(connection.run(f"sleep 0.{n}; echo {n}; exit {n}") for n in range(8)))
        assert [(it.stdout, it.exit_status) for it in said] == [(f"{n}\n", n) for n in range(8)]
        said = await connection.run("kill -TERM $$")
        assert said.exit_signal and said.exit_signal[0] == "TERM", said
        # What is sent before the server says anything, and the end of it, arrive.
        said = await connection.run("sha256sum", input=os.urandom(3 << 20).hex())
        assert len(said.stdout.split()[0]) == 64
        data = os.urandom(8 << 20)
        with open(f"{here}/up", "wb") as file:
            file.write(data)
        async with connection.start_sftp_client() as sftp:
            await sftp.put(f"{here}/up", f"{there}/asyncssh")
            await sftp.get(f"{there}/asyncssh", f"{here}/down")
            assert "asyncssh" in await sftp.listdir(there)
            await sftp.remove(f"{there}/asyncssh")
        with open(f"{here}/down", "rb") as file:
            assert file.read() == data
        reader, writer = await connection.open_connection("127.0.0.1", int(beyond))
        assert (await reader.read(4)) == b"SSH-"
        writer.close()


asyncio.run(main())
print("done")

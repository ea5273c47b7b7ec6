// ssh2 of Node.js through the gateway: a command with its status, errors and signal, a shell with a terminal, SFTP both ways, a
// forward.
//
// Arguments: port, user, password, folder on this machine, folder on the server, port of a server beyond the target.

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { Client } = require('ssh2');

const [port, username, password, here, there, beyond] = process.argv.slice(2);
const client = new Client();

const called = (work) =>
  new Promise((resolve, reject) => work((error, value) => (error ? reject(error) : resolve(value))));

async function all(stream) {
  let text = Buffer.alloc(0);
  for await (const part of stream) text = Buffer.concat([text, part]);
  return text.toString();
}

async function command(line, options = {}) {
  const channel = await called((done) => client.exec(line, options, done));
  // The event `exit` does not always come before the end; what it says is told at the end again.
  const ended = new Promise((resolve) => channel.on('close', (code, signal) => resolve([code, signal])));
  const [out, err, exit] = await Promise.all([all(channel), all(channel.stderr), ended]);
  return { out, err, code: exit[0], signal: exit[1] };
}

async function main() {
  await new Promise((resolve, reject) => {
    client.on('ready', resolve).on('error', reject);
    client.connect({ host: '127.0.0.1', port: Number(port), username, password });
  });
  const first = await command('echo out; echo err >&2; exit 7');
  assert.deepEqual([first.out, first.err, first.code], ['out\n', 'err\n', 7]);
  assert.match((await command('kill -TERM $$')).signal, /TERM/);

  const shell = await called((done) => client.shell({ cols: 100, rows: 30 }, done));
  const status = new Promise((resolve) => shell.on('close', resolve));
  shell.write('stty size; exit 3\n');
  assert.match(await all(shell), /30 100/);
  assert.equal(await status, 3);

  const data = crypto.randomBytes(8 << 20);
  fs.writeFileSync(`${here}/up`, data);
  const sftp = await called((done) => client.sftp(done));
  await called((done) => sftp.fastPut(`${here}/up`, `${there}/ssh2`, done));
  await called((done) => sftp.fastGet(`${there}/ssh2`, `${here}/down`, done));
  assert.ok(fs.readFileSync(`${here}/down`).equals(data));
  await called((done) => sftp.unlink(`${there}/ssh2`, done));
  sftp.end();

  const forward = await called((done) => client.forwardOut('127.0.0.1', 0, '127.0.0.1', Number(beyond), done));
  const greeting = await new Promise((resolve) => forward.once('data', resolve));
  assert.match(greeting.toString(), /^SSH-/);
  forward.end();

  assert.equal((await command('echo again')).out, 'again\n');
  client.end();
  console.log('done');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

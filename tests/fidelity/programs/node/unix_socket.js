// Pins down AF_UNIX sockets by path: echo, half-close, an address in use, the socket file's life.
const fs = require('fs');
const net = require('net');

const server = net.createServer({ allowHalfOpen: true }, (peer) => {
  let heard = '';
  peer.on('data', (data) => (heard += data));
  peer.on('end', () => peer.end([...heard].reverse().join('')));
});
server.listen('talk.sock', () => {
  console.log(server.address(), fs.statSync('talk.sock').isSocket());
  const rival = net.createServer().on('error', ({ code }) => {
    console.log(code);
    const client = net.connect({ path: 'talk.sock', allowHalfOpen: true });
    client.end('hällo 🙂');
    let answer = '';
    client.setEncoding('utf8').on('data', (data) => (answer += data)).on('close', (failed) => {
      console.log(answer, failed, client.bytesRead);
      server.close(() => {
        console.log(fs.existsSync('talk.sock'));
        net.connect('talk.sock').on('error', (error) => console.log(error.message));
      });
    });
  });
  rival.listen('talk.sock');
});

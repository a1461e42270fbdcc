// Pins down HTTP over the program's own loopback: bodies, chunks, status, headers, a refused port.
const http = require('http');

const server = http.createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk) => (body += chunk)).on('end', () => {
    response.writeHead(request.url === '/teapot' ? 418 : 200, { 'x-length': body.length, 'content-type': 'text/plain' });
    response.write(`${request.method} ${decodeURI(request.url)} `);
    response.end(body.slice(0, 20));
  });
});
const ask = (port, path, body) => new Promise((done, fail) => {
  const request = http.request({ port, host: '127.0.0.1', path, method: body ? 'POST' : 'GET', agent: false }, (response) => {
    let text = '';
    response.on('data', (chunk) => (text += chunk)).on('end', () => done([response.statusCode, response.statusMessage, response.headers['x-length'], text]));
  });
  request.on('error', fail).end(body);
});
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  console.log(await ask(port, '/teapot'));
  console.log(await Promise.all(['a', 'b', 'c'].map((name) => ask(port, '/' + name, name.repeat(50_000)))));
  console.log(await ask(port, encodeURI('/ünï')));
  server.close(() => ask(port, '/').catch((error) => console.log(error.code, error.syscall)));
});

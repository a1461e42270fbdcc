// Lists the network interfaces; of the answers the loopback's.
const os = require('os');
const dgram = require('dgram');

const { lo } = os.networkInterfaces();
console.log(lo.filter((each) => each.family === 'IPv4'));
const socket = dgram.createSocket('udp4');
socket.bind(0, '127.0.0.1', () => {
  socket.setMulticastInterface('127.0.0.1');
  socket.setMulticastTTL(3);
  socket.setBroadcast(true);
  socket.setRecvBufferSize(65536);
  console.log(socket.getRecvBufferSize() >= 65536);
  socket.close();
});

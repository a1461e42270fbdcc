// Pins down Buffers, typed arrays, DataView, text decoding and encodings.
const bytes = Buffer.from('zażółć 🙂', 'utf8');
console.log(bytes, bytes.length, bytes.toString('base64'), bytes.toString('hex', 0, 4), bytes.toString('latin1').length);
console.log(Buffer.from('_-8', 'base64url'), Buffer.from('abcx', 'hex'), Buffer.alloc(5, 'ab'), bytes.indexOf('ł'));
console.log(bytes.subarray(3, 7).toString(), Buffer.compare(Buffer.from('a'), Buffer.from('b')), Buffer.concat([bytes.subarray(0, 2), Buffer.of(1, 2)]));
const view = new DataView(new ArrayBuffer(16));
view.setFloat32(0, Math.PI);
view.setBigInt64(8, -2n, true);
console.log(view.getUint32(0).toString(16), view.getBigUint64(8, true), view.buffer);
console.log(new Uint8ClampedArray([300, -5, 1.5]), new Int16Array([40000]), new Float32Array([0.1]), Uint8Array.from('123'));
console.log(new BigInt64Array(2), new Float64Array([NaN, -0]), new Uint16Array(new Uint8Array([1, 0, 2, 1]).buffer));
const growing = new ArrayBuffer(4, { maxByteLength: 16 });
growing.resize(8);
console.log(growing.byteLength, growing.resizable, new Uint8Array(growing).length);
console.log(new TextDecoder('utf-16le').decode(new Uint8Array([104, 0, 105, 0])), new TextDecoder().decode(Buffer.from([0xff, 65])), new TextDecoder('shift_jis').decode(Buffer.from('83658358', 'hex')));
console.log(bytes.readUInt16BE(1), Buffer.from('swap').swap16().toString(), btoa('ok'), atob('b2s='), Buffer.from([1, 2]).toJSON());
try {
  new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from([0xff]));
} catch (error) {
  console.log(error.code);
}
bytes.readUInt32LE(100);

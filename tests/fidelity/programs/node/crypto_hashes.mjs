// Pins down hashes, HMACs, key derivation, a cipher, signatures and random sizes of fixed input.
import crypto from 'node:crypto';

for (const name of ['md5', 'sha1', 'sha256', 'sha512', 'sha3-256', 'blake2b512', 'ripemd160']) {
  console.log(name, crypto.createHash(name).update('drybox ').update('ü').digest('hex').slice(0, 40));
}
console.log(crypto.createHmac('sha256', 'key').update('message').digest('base64url'));
console.log(crypto.pbkdf2Sync('pass', 'salt', 1000, 16, 'sha512').toString('hex'), crypto.scryptSync('p', 's', 16, { N: 16 }).toString('hex'));
const key = Buffer.alloc(32, 1);
const cipher = crypto.createCipheriv('aes-256-gcm', key, Buffer.alloc(12));
const sealed = Buffer.concat([cipher.update('secret', 'utf8'), cipher.final(), cipher.getAuthTag()]);
console.log(sealed.toString('hex'));
const decipher = crypto.createDecipheriv('aes-256-gcm', key, Buffer.alloc(12)).setAuthTag(sealed.subarray(-16));
console.log(decipher.update(sealed.subarray(0, -16), null, 'utf8') + decipher.final('utf8'));
const { privateKey, publicKey } = crypto.generateKeyPairSync('ed25519');
console.log(crypto.verify(null, Buffer.from('m'), publicKey, crypto.sign(null, Buffer.from('m'), privateKey)));
console.log(crypto.randomBytes(8).length, crypto.randomUUID().length, crypto.randomInt(5) < 5);
console.log(Buffer.from(await crypto.subtle.digest('SHA-1', Buffer.from('web'))).toString('hex'));
crypto.createHash('no-such-hash');

// Pins: digests, HMAC, AES, Ed25519, CRC, and the text codings hex, base64, base32.
package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"hash/fnv"
)

func main() {
	msg := []byte("The quick brown fox jumps over the lazy dog")
	fmt.Printf("%x\n%x\n%x\n%x\n", md5.Sum(msg), sha1.Sum(msg), sha256.Sum256(msg), sha512.Sum512(msg))
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write(msg)
	f := fnv.New64a()
	f.Write(msg)
	fmt.Printf("%x %08x %x\n", mac.Sum(nil), crc32.ChecksumIEEE(msg), f.Sum64())
	block, _ := aes.NewCipher([]byte("sixteen byte key"))
	out := make([]byte, len(msg))
	cipher.NewCTR(block, make([]byte, 16)).XORKeyStream(out, msg)
	fmt.Println(base64.StdEncoding.EncodeToString(out))
	gcm, _ := cipher.NewGCM(block)
	fmt.Println(hex.EncodeToString(gcm.Seal(nil, make([]byte, 12), msg[:9], nil)))
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	fmt.Println(base32.HexEncoding.EncodeToString(ed25519.Sign(key, msg)[:20]))
	_, err := hex.DecodeString("0g")
	_, err2 := base64.RawURLEncoding.DecodeString("a*b")
	fmt.Println(err, err2, binary.BigEndian.Uint32([]byte{1, 2, 3, 4}), binary.PutVarint(out, -300))
	r := make([]byte, 32)
	n, err := rand.Read(r)
	fmt.Println(n, err, string(r) != string(make([]byte, 32)))
}

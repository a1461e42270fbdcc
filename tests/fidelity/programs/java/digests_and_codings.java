// Pins: digests, HMAC, AES, CRC, Base64, HexFormat, URL coding and a fixed UUID.
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.security.*;
import java.util.*;
import java.util.zip.*;
import javax.crypto.*;
import javax.crypto.spec.*;

public class Main {
    public static void main(String[] args) throws Exception {
        byte[] msg = "The quick brown fox jumps over the lazy dog".getBytes(StandardCharsets.UTF_8);
        for (String a : new String[] {"MD5", "SHA-1", "SHA-256", "SHA3-256"}) System.out.println(a + " " + HexFormat.of().formatHex(MessageDigest.getInstance(a).digest(msg)));
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec("key".getBytes(), "HmacSHA256"));
        System.out.println(HexFormat.ofDelimiter(":").withUpperCase().formatHex(mac.doFinal(msg), 0, 8));
        Cipher c = Cipher.getInstance("AES/CBC/PKCS5Padding");
        SecretKeySpec k = new SecretKeySpec("sixteen byte key".getBytes(), "AES");
        c.init(Cipher.ENCRYPT_MODE, k, new IvParameterSpec(new byte[16]));
        byte[] enc = c.doFinal(msg);
        System.out.println(Base64.getEncoder().encodeToString(enc));
        c.init(Cipher.DECRYPT_MODE, k, new IvParameterSpec(new byte[16]));
        System.out.println(new String(c.doFinal(enc)).equals(new String(msg)));
        CRC32 crc = new CRC32();
        crc.update(msg);
        System.out.println(Long.toHexString(crc.getValue()) + " " + Arrays.hashCode(msg) + " " + "hash me".hashCode());
        System.out.println(URLEncoder.encode("a b&ü=🙂", StandardCharsets.UTF_8) + " " + URLDecoder.decode("%F0%9F%99%82+x", StandardCharsets.UTF_8) + " " + UUID.nameUUIDFromBytes(msg));
        System.out.println(URI.create("http://u@h:8/p/../q?x=1#f").normalize() + " " + Base64.getUrlEncoder().withoutPadding().encodeToString(new byte[] {-1, -2, -3, 0}));
        byte[] r = new byte[16];
        new SecureRandom().nextBytes(r);
        System.out.println(!Arrays.equals(r, new byte[16]));
        try {
            MessageDigest.getInstance("NOPE");
        } catch (NoSuchAlgorithmException e) {
            System.out.println(e.getMessage());
        }
        Base64.getDecoder().decode("a*b=");
    }
}

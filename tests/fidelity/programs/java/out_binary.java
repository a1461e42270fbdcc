// Pins: all 256 byte values pass both streams, invalid UTF-8 included.
public class Main {
    public static void main(String[] args) throws Exception {
        byte[] up = new byte[256];
        for (int i = 0; i < 256; i++) {
            up[i] = (byte) i;
            System.err.write(255 - i);
        }
        System.out.write(up);
        System.out.write(new byte[] {(byte) 0xc0, (byte) 0xaf, (byte) 0xff, (byte) 0xfe}, 0, 4);
        System.out.flush();
        System.err.flush();
    }
}

// Pins: NUL, ^C, ^D, ^Z and escape bytes on stdin are data, not control.
public class Main {
    public static void main(String[] args) throws Exception {
        byte[] all = System.in.readAllBytes();
        StringBuilder hex = new StringBuilder();
        for (byte b : all) hex.append(String.format("%02x ", b));
        System.out.println(all.length + ": " + hex.toString().trim());
        System.out.write(all);
        System.out.println(System.in.read() + " " + System.in.available());
    }
}

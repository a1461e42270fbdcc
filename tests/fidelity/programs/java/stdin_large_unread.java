// Pins: a program that reads one byte of a large stdin and leaves is not held up by the rest.
public class Main {
    public static void main(String[] args) throws Exception {
        System.out.println((char) System.in.read());
        System.exit(1);
    }
}

// Pins: neither stream ends in a newline and none is added.
public class Main {
    public static void main(String[] args) {
        System.out.print("first\n\nlast without newline");
        System.err.print("error without newline");
    }
}

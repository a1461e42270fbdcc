// Pins: System.exit(3) skips finally and the rest but keeps what was printed.
public class Main {
    public static void main(String[] args) {
        try {
            System.out.print("leaving");
            System.exit(3);
        } finally {
            System.out.println("never");
        }
    }
}

// Pins: System.exit(137) is an exit status and not taken for a death by signal.
public class Main {
    public static void main(String[] args) {
        System.out.println("leaving with 137");
        System.err.print("bye");
        System.exit(137);
    }
}

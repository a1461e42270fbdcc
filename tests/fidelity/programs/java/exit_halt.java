// Pins: Runtime.halt(1) runs no hooks, no finally, and gives its status.
public class Main {
    public static void main(String[] args) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("never: hook")));
        try {
            System.out.println("halting");
            Runtime.getRuntime().halt(1);
        } finally {
            System.out.println("never: finally");
        }
    }
}

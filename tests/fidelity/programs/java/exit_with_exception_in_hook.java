// Pins: an exception in a shutdown hook is reported and does not change the exit status.
public class Main {
    public static void main(String[] args) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            System.out.println("hook starts");
            throw new IllegalStateException("in the hook");
        }, "failing hook"));
        System.out.println("main ends normally");
    }
}

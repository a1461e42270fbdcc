// Pins: SIGTERM to the virtual machine runs the shutdown hooks and ends with status 143.
public class Main {
    public static void main(String[] args) throws Exception {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook runs")));
        System.out.println("before");
        new ProcessBuilder("sh", "-c", "kill -TERM $PPID").start();
        Thread.sleep(5000);
        System.out.println("never");
    }
}

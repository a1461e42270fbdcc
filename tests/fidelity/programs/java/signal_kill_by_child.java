// Pins: a child sends SIGKILL to the virtual machine: a death by signal 9, no hook, stdout before it kept.
public class Main {
    public static void main(String[] args) throws Exception {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("never: hook")));
        System.out.println("before");
        new ProcessBuilder("sh", "-c", "kill -KILL $PPID").inheritIO().start().waitFor();
        Thread.sleep(5000);
        System.out.println("never");
    }
}

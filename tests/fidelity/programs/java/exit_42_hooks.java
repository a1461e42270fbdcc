// Pins: shutdown hooks run at System.exit(42), a hook's output is kept, an unregistered one stays away.
public class Main {
    public static void main(String[] args) {
        Runtime rt = Runtime.getRuntime();
        rt.addShutdownHook(new Thread(() -> {
            System.out.println("hook runs");
            System.err.println("hook on stderr");
        }));
        Thread removed = new Thread(() -> System.out.println("never"));
        rt.addShutdownHook(removed);
        System.out.println(rt.removeShutdownHook(removed) + " " + rt.removeShutdownHook(removed));
        System.exit(42);
    }
}

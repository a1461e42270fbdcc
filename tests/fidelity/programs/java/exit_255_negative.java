// Pins: System.exit(-1) is status 255, also when another thread calls it while main waits.
public class Main {
    public static void main(String[] args) throws Exception {
        new Thread(() -> {
            System.out.println("thread exits");
            System.exit(-1);
        }).start();
        Thread.sleep(10_000);
        System.out.println("never");
    }
}

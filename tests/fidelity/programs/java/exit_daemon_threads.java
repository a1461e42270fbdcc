// Pins: the program ends though daemon threads run on, and waits for those that are not.
public class Main {
    public static void main(String[] args) throws Exception {
        for (int i = 0; i < 5; i++) {
            Thread d = new Thread(() -> {
                try {
                    Thread.sleep(60_000);
                } catch (InterruptedException e) {
                    System.out.println("interrupted");
                }
                System.out.println("never");
            });
            d.setDaemon(true);
            d.start();
        }
        new java.util.Timer("t", true).schedule(new java.util.TimerTask() {
            public void run() {
                System.out.println("never");
            }
        }, 60_000);
        Thread main = Thread.currentThread();
        new Thread(() -> {
            try {
                main.join();
                Thread.sleep(50);
            } catch (InterruptedException e) {
                return;
            }
            System.out.println("the last user thread");
        }).start();
        System.out.println("main ends");
    }
}

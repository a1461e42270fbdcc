// Pins: an exception in another thread goes to stderr under its name, main goes on and the exit status is 0.
public class Main {
    public static void main(String[] args) throws Exception {
        Thread t = new Thread(() -> {
            throw new UnsupportedOperationException("in the worker");
        }, "worker nr 1");
        t.start();
        t.join();
        System.out.println(t.isAlive() + " " + t.getState());
        Thread quiet = new Thread(() -> System.out.println("second thread"));
        quiet.start();
        quiet.join();
    }
}

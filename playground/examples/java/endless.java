// Ends at its time limit, or when you press Stop.
public class Endless {
    public static void main(String[] args) throws InterruptedException {
        for (int tick = 1; ; tick++) {
            System.out.println("tick " + tick);
            Thread.sleep(250);
        }
    }
}

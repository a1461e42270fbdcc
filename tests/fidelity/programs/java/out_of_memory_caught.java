// Pins: an array too large for any heap gives an OutOfMemoryError that can be caught; the program goes on.
public class Main {
    public static void main(String[] args) {
        try {
            byte[] b = new byte[Integer.MAX_VALUE];
            System.out.println(b.length);
        } catch (OutOfMemoryError e) {
            System.out.println("caught " + e.getMessage());
        }
        long sum = 0;
        for (int i = 0; i < 200; i++) {
            int[] garbage = new int[200_000];
            garbage[i] = i;
            sum += garbage[i] + garbage.length;
        }
        System.out.println(sum);
    }
}

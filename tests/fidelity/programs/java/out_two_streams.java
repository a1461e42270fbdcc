// Pins: 80 KB each on stdout and stderr in turns block neither; setErr to out keeps the program's order.
public class Main {
    public static void main(String[] args) {
        for (int i = 0; i < 80; i++) {
            String c = String.valueOf((char) ('A' + i % 26));
            System.out.println(c.repeat(1023));
            System.out.flush();
            System.err.println(c.toLowerCase().repeat(1023));
        }
        System.setErr(System.out);
        for (int i = 0; i < 5; i++) {
            System.out.println("out " + i);
            System.err.println("err " + i);
        }
        new Exception("goes to stdout").printStackTrace();
    }
}

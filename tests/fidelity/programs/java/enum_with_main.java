// Pins: an enum with main is the program; constants with bodies, EnumMap, EnumSet, valueOf, switch, compareTo.
import java.util.*;

public enum EnumMain {
    ADD("+") {
        int apply(int a, int b) {
            return a + b;
        }
    },
    SUB("-") {
        int apply(int a, int b) {
            return a - b;
        }
    };

    final String sign;

    EnumMain(String sign) {
        this.sign = sign;
    }

    abstract int apply(int a, int b);

    public static void main(String[] args) {
        for (EnumMain e : values()) System.out.println(e + e.sign + e.ordinal() + " " + e.apply(7, 3) + " " + e.getClass().getName() + " " + e.getDeclaringClass());
        Map<EnumMain, String> m = new EnumMap<>(EnumMain.class);
        m.put(SUB, "second");
        m.put(ADD, "first");
        System.out.println(m + " " + EnumSet.complementOf(EnumSet.of(ADD)) + " " + ADD.compareTo(SUB));
        System.out.println(valueOf("MUL"));
    }
}

// Pins: the texts of the common run-time exceptions.
import java.util.*;
import java.util.concurrent.Callable;

public class Main {
    static void attempt(Callable<Object> c) {
        try {
            System.out.println(c.call());
        } catch (Exception e) {
            System.out.println(e);
        }
    }

    public static void main(String[] args) {
        int zero = args.length;
        int[] a = new int[3];
        Object o = "text";
        Object[] strings = new String[1];
        List<Integer> list = new ArrayList<>(List.of(1, 2, 3));
        attempt(() -> 1 / zero);
        attempt(() -> a[3]);
        attempt(() -> a[zero - 1]);
        attempt(() -> (Integer) o);
        attempt(() -> strings[0] = 1);
        attempt(() -> new int[zero - 2]);
        attempt(() -> "abc".substring(2, 1));
        attempt(() -> "abc".charAt(9));
        attempt(() -> list.get(7));
        attempt(() -> List.of(1).add(2));
        attempt(() -> Integer.parseInt("12x"));
        attempt(() -> Long.parseLong("99999999999999999999"));
        attempt(() -> Math.addExact(Integer.MAX_VALUE, 1));
        attempt(() -> Thread.State.valueOf("NOPE"));
        attempt(() -> new ArrayDeque<>().pop());
        attempt(() -> new Scanner("x").nextInt());
        attempt(() -> Optional.empty().orElseThrow());
        attempt(() -> String.format("%d", "s"));
        attempt(() -> Class.forName("no.such.Klass"));
        attempt(() -> {
            for (Integer i : list) list.remove(i);
            return list;
        });
        attempt(() -> new int[zero].clone().length);
    }
}

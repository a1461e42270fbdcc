// Pins: parallel streams give the same ordered results on one processor as on two.
import java.util.*;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.*;

public class Main {
    public static void main(String[] args) {
        System.out.println(IntStream.rangeClosed(1, 200_000).parallel().filter(i -> i % 7 == 0).mapToLong(i -> (long) i * i).sum());
        List<String> l = IntStream.range(0, 2000).parallel().mapToObj(Integer::toString).filter(s -> s.endsWith("99")).collect(Collectors.toList());
        System.out.println(l);
        LongAdder adder = new LongAdder();
        Arrays.asList(1, 2, 3, 4, 5).parallelStream().forEach(adder::add);
        System.out.println(adder.sum());
        IntStream.range(0, 10).parallel().boxed().forEachOrdered(i -> System.out.print(i + " "));
        int[] a = new int[50_000];
        Arrays.parallelSetAll(a, i -> (int) ((i * 2654435761L) & 0xffff));
        Arrays.parallelSort(a);
        Arrays.parallelPrefix(a, (x, y) -> (x + y) % 1_000_003);
        System.out.println(a[0] + " " + a[25_000] + " " + a[49_999]);
        Map<Integer, Long> lengths = Stream.of("b", "a", "cc", "dd", "a").parallel().collect(Collectors.groupingByConcurrent(String::length, Collectors.counting()));
        System.out.println(new TreeMap<>(lengths));
        System.out.println(Stream.iterate(1, x -> x * 2).parallel().limit(20).reduce(0, Integer::sum) + " " + IntStream.range(0, 1000).parallel().boxed().findFirst().get());
    }
}

// Pins: streams with collectors, flatMap, teeing, laziness and order of evaluation, method references, Optional.
import java.util.*;
import java.util.function.*;
import java.util.stream.*;

public class Main {
    record Emp(String name, String dept, int pay) {}

    public static void main(String[] args) {
        List<Emp> emps = List.of(new Emp("Ann", "ops", 30), new Emp("Bob", "dev", 50), new Emp("Cid", "dev", 45), new Emp("Eve", "ops", 70));
        Map<String, Double> pay = emps.stream().collect(Collectors.groupingBy(Emp::dept, TreeMap::new, Collectors.averagingInt(Emp::pay)));
        System.out.println(pay);
        System.out.println(emps.stream().collect(Collectors.partitioningBy(e -> e.pay() > 46, Collectors.mapping(Emp::name, Collectors.joining("/", "<", ">")))));
        System.out.println(emps.stream().mapToInt(Emp::pay).summaryStatistics());
        String both = emps.stream().collect(Collectors.teeing(Collectors.counting(), Collectors.summingInt(Emp::pay), (n, s) -> s + "/" + n));
        System.out.println(both);
        System.out.println(emps.stream().max(Comparator.comparing(Emp::name, Comparator.reverseOrder())).map(Emp::name).orElse("none"));
        int first = Stream.of(1, 2, 3, 4, 5).peek(i -> System.out.print("p" + i + " ")).filter(i -> i % 2 == 0).map(i -> i * 10).skip(1).findFirst().get();
        System.out.println(first);
        Deque<Integer> powers = IntStream.iterate(1, i -> i < 2000, i -> i * 3).boxed().collect(Collectors.toCollection(ArrayDeque::new));
        System.out.println(powers);
        System.out.println(Stream.of("a,b", "c", "").flatMap(s -> Arrays.stream(s.split(","))).map(s -> "[" + s + "]").toList());
        System.out.println(Stream.of(5, 3, 5, 1).distinct().sorted(Collections.reverseOrder()).toList() + " " + Stream.of(1, 2, 3, 1).takeWhile(i -> i < 3).toList());
        Function<Integer, Function<Integer, Integer>> add = x -> y -> x + y;
        UnaryOperator<String> up = String::toUpperCase;
        System.out.println(add.apply(2).andThen(x -> x * 10).apply(3) + up.andThen(String::length).apply("abc") + Optional.of("x").filter(String::isEmpty).or(() -> Optional.of("y")).get());
        try {
            emps.stream().collect(Collectors.toMap(Emp::dept, Emp::pay));
        } catch (IllegalStateException e) {
            System.out.println(e.getMessage());
        }
        Stream<Integer> used = Stream.of(1);
        used.count();
        used.count();
    }
}

import java.util.*;
import java.util.function.*;
import java.util.stream.*;

public class Training {
    sealed interface Shape permits Circle, Square {}
    record Circle(double radius) implements Shape {}
    record Square(double side) implements Shape {}
    enum Colour { RED, GREEN; Colour next() { return values()[(ordinal() + 1) % 2]; } }
    static abstract class Node<T extends Comparable<T>> { T value; abstract Node<T> add(T t); }
    interface Greeter { String greet(String name); default Greeter twice() { return this; } }
    static class Failure extends Exception { Failure(String m, Throwable c) { super(m, c); } }

    static int area(Object shape) {
        if (shape instanceof Circle c) return (int) (c.radius() * c.radius() * Math.PI);
        return switch (Colour.RED) { case RED -> 1; case GREEN -> { yield 2; } };
    }

    public static void main(String[] args) throws Exception {
        Map<String, List<Integer>> groups = new TreeMap<>();
        for (int i = 0; i < args.length; i++) {
            groups.computeIfAbsent(args[i], key -> new ArrayList<>()).add(i);
        }
        String text = groups.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue())
            .filter(Predicate.not(String::isEmpty)).collect(Collectors.joining(", "));
        try (Scanner in = new Scanner(System.in)) {
            while (in.hasNextLine()) text += in.nextLine().trim();
        } catch (IllegalStateException | NoSuchElementException e) {
            throw new Failure("no", e);
        } finally {
            System.out.printf("%s %d %s%n", text, area(new Square(2)), """
                block
                """);
        }
        Greeter greeter = name -> "Hello, " + name;
        Thread thread = new Thread(() -> System.out.println(greeter.greet("x")));
        thread.start();
        thread.join();
        int[][] grid = new int[3][4];
        var total = Arrays.stream(grid).flatMapToInt(Arrays::stream).sum();
        synchronized (groups) { outer: do { break outer; } while (true); }
        assert total == 0 : new Object() { public String toString() { return "anonymous"; } };
    }
}

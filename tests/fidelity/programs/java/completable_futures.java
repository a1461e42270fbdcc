// Pins: CompletableFuture chains, combination, recovery and failure, with a result free of scheduling.
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;

public class Main {
    public static void main(String[] args) throws Exception {
        CompletableFuture<Integer> a = CompletableFuture.supplyAsync(() -> 20);
        CompletableFuture<Integer> b = a.thenApplyAsync(x -> x + 1).thenCombine(CompletableFuture.supplyAsync(() -> 2), (x, y) -> x * y);
        System.out.println(b.get() + " " + b.thenCompose(x -> CompletableFuture.completedFuture("<" + x + ">")).join());
        CompletableFuture<Integer> failed = CompletableFuture.supplyAsync(() -> List.<Integer>of().get(0));
        System.out.println(failed.exceptionally(e -> -1).join() + " " + failed.handle((v, e) -> e.getClass().getSimpleName()).join());
        List<CompletableFuture<String>> all = IntStream.range(0, 8).mapToObj(i -> CompletableFuture.supplyAsync(() -> "t" + i)).collect(Collectors.toList());
        CompletableFuture.allOf(all.toArray(new CompletableFuture[0])).join();
        System.out.println(all.stream().map(CompletableFuture::join).collect(Collectors.joining(",")));
        System.out.println(new CompletableFuture<String>().completeOnTimeout("default", 10, TimeUnit.MILLISECONDS).get());
        try {
            new CompletableFuture<String>().orTimeout(10, TimeUnit.MILLISECONDS).join();
        } catch (CompletionException e) {
            System.out.println(e.getCause().getClass());
        }
        CompletableFuture<Void> c = new CompletableFuture<>();
        System.out.println(c.cancel(true) + " " + c.isCompletedExceptionally());
        class Sum extends RecursiveTask<Long> {
            final int lo, hi;

            Sum(int lo, int hi) {
                this.lo = lo;
                this.hi = hi;
            }

            protected Long compute() {
                if (hi - lo < 100) return IntStream.range(lo, hi).asLongStream().sum();
                Sum left = new Sum(lo, (lo + hi) / 2), right = new Sum((lo + hi) / 2, hi);
                left.fork();
                return right.compute() + left.join();
            }
        }
        System.out.println(ForkJoinPool.commonPool().invoke(new Sum(0, 100_000)));
    }
}

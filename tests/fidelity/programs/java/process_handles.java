// Pins: ProcessHandle: parents, children, onExit, destroy by SIGTERM that a child traps.
import java.io.*;
import java.util.*;
import java.util.concurrent.TimeUnit;

public class Main {
    public static void main(String[] args) throws Exception {
        ProcessHandle me = ProcessHandle.current();
        System.out.println(me.isAlive() + " " + (me.pid() > 0) + " " + me.children().count());
        Process trap = new ProcessBuilder("sh", "-c", "trap 'echo trapped; exit 6' TERM; echo ready; while :; do sleep 0.01; done").start();
        BufferedReader r = trap.inputReader();
        System.out.println(r.readLine());
        System.out.println(trap.toHandle().parent().get().equals(me) + " " + trap.supportsNormalTermination());
        trap.toHandle().destroy();
        System.out.println(r.readLine() + " " + trap.waitFor());
        Process[] ps = new Process[3];
        for (int i = 0; i < 3; i++) ps[i] = new ProcessBuilder("sh", "-c", "exit " + (10 + i)).start();
        int sum = 0;
        for (Process p : ps) sum += p.onExit().get(3, TimeUnit.SECONDS).exitValue();
        System.out.println(sum + " " + me.children().count() + " " + ProcessHandle.of(me.pid()).isPresent());
        Process big = new ProcessBuilder("sh", "-c", "i=0; while [ $i -lt 3000 ]; do echo line $i of a long output; i=$((i+1)); done; echo end >&2").start();
        System.out.println(big.inputReader().lines().mapToInt(String::length).sum() + " " + big.errorReader().readLine() + " " + big.waitFor());
        try {
            me.destroy();
        } catch (IllegalStateException e) {
            System.out.println(e.getMessage());
        }
    }
}

// Pins: ProcessBuilder: output, stderr merged and apart, stdin, exit codes, directory, missing programs.
import java.io.*;
import java.util.concurrent.TimeUnit;

public class Main {
    static String run(String... cmd) throws Exception {
        Process p = new ProcessBuilder(cmd).redirectErrorStream(true).start();
        p.getOutputStream().close();
        return new String(p.getInputStream().readAllBytes()).replace("\n", "\\n") + " -> " + p.waitFor();
    }

    public static void main(String[] args) throws Exception {
        System.out.println(run("echo", "two  words", "", "ü"));
        for (String s : new String[] {"exit 0", "exit 42", "exit 255", "kill -9 $$", "kill -TERM $$", "exit 137"}) {
            System.out.println(s + ": " + run("sh", "-c", "echo out; echo err >&2; " + s));
        }
        Process cat = new ProcessBuilder("cat").start();
        try (Writer w = new OutputStreamWriter(cat.getOutputStream())) {
            w.write("to cat and back 🙂");
        }
        System.out.println(new String(cat.getInputStream().readAllBytes()) + " " + cat.waitFor());
        Process sleep = new ProcessBuilder("sleep", "30").start();
        System.out.println(sleep.isAlive() + " " + sleep.waitFor(20, TimeUnit.MILLISECONDS));
        sleep.destroyForcibly();
        System.out.println(sleep.waitFor() + " " + sleep.isAlive() + " " + sleep.exitValue());
        new File("sub").mkdir();
        Process pwd = new ProcessBuilder("sh", "-c", "basename \"$PWD\"; echo kept > f; exit 5").directory(new File("sub")).redirectOutput(new File("out.txt")).start();
        System.out.println(pwd.waitFor() + " " + new BufferedReader(new FileReader("out.txt")).readLine() + " " + new File("sub/f").length());
        System.out.flush();
        new ProcessBuilder("sh", "-c", "echo inherited; echo inherited err >&2").inheritIO().start().waitFor();
        System.out.println(ProcessBuilder.startPipeline(java.util.List.of(new ProcessBuilder("printf", "3\\n1\\n2\\n"), new ProcessBuilder("sort"))).get(1).inputReader().lines().toList());
        try {
            run("no-such-program-here");
        } catch (IOException e) {
            System.out.println(e.getMessage());
        }
        try {
            new ProcessBuilder("cat").directory(new File("no/dir")).start();
        } catch (IOException e) {
            System.out.println(e.getMessage());
        }
    }
}

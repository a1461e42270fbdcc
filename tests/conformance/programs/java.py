"""The programs in Java."""

from tests.conformance.programs import Programs


def main(body: str, imports: str = "") -> str:
    """A class with this main."""
    return (
        f"{imports}public class Main {{\n"
        "    static volatile Object hoard;\n\n"
        f"    public static void main(String[] args) throws Exception {{\n{body}    }}\n}}\n"
    )


def kill(short: str) -> str:
    """Java signals nobody by itself: a shell does it to its parent."""
    return main(
        f"""\
        System.out.println("before");
        new ProcessBuilder("sh", "-c", "kill -{short} $PPID").start().waitFor();
        Thread.sleep(3_600_000);
"""
    )


PROGRAMS = Programs(
    language="java",
    names=("java",),
    compiles=True,
    start=6.0,
    hello=main(
        """\
        System.out.println("Hello, World!");
        System.err.println("a word");
"""
    ),
    exit=main(
        """\
        System.out.println("before");
        System.exit(Integer.parseInt(args[0]));
"""
    ),
    # The virtual machine answers SIGTERM with its own exit code 143 and turns a
    # segmentation fault into SIGABRT; these it leaves to the kernel.
    signals={name: kill(name.removeprefix("SIG")) for name in ("SIGKILL", "SIGABRT", "SIGXCPU")},
    broken=main('        int number = "text";\n'),
    complaint="Main.java:5: error",
    complain="""\
import java.nio.file.*;

public class Main {
    public static void main(String[] args) throws Exception {
        System.err.write(Files.readAllBytes(Path.of("words.txt")));
        System.exit(1);
    }
}
""",
    hang=main(
        """\
        System.out.println("ready");
        System.err.println("waiting");
        Thread.sleep(3_600_000);
"""
    ),
    hog=main(
        """\
        System.out.println("ready");
        var list = new ArrayList<byte[]>();
        hoard = list;
        for (;;) list.add(new byte[1 << 20]);
""",
        "import java.util.ArrayList;\n",
    ),
    touch=main(
        """\
        byte[] block = new byte[Integer.parseInt(args[0]) << 20];
        Arrays.fill(block, (byte) 'x');
        hoard = block;
        System.out.println("done");
""",
        "import java.util.Arrays;\n",
    ),
    flood=main(
        """\
        var fd = args[0].equals("stdout") ? FileDescriptor.out : FileDescriptor.err;
        var file = new FileOutputStream(fd);
        byte[] block = "0123456789".repeat(100).getBytes();
        for (int left = Integer.parseInt(args[1]); left > 0; ) {
            int size = left % 1000 == 0 ? 1000 : left % 1000;
            file.write(block, 0, size);
            left -= size;
        }
""",
        "import java.io.*;\n",
    ),
    busy=main(
        """\
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        while (system.getProcessCpuTime() < 1_000_000_000L) {
            for (int i = 0; i < 100_000; i++) hoard = i;
        }
        System.out.println("done");
""",
        "import com.sun.management.OperatingSystemMXBean;\n"
        "import java.lang.management.ManagementFactory;\n",
    ),
    cat=main(
        """\
        System.in.transferTo(System.out);
        System.out.flush();
"""
    ),
    words=main(
        """\
        for (String word : args) System.out.write((word + "\\0").getBytes("UTF-8"));
        System.out.flush();
"""
    ),
    variable=main(
        """\
        System.out.write(System.getenv(args[0]).getBytes("UTF-8"));
        System.out.flush();
"""
    ),
    split=main(
        """\
        System.out.write(0xc3);
        System.out.flush();
        System.in.read();
        System.out.write(new byte[] {(byte) 0xa9, '\\n'});
        System.out.flush();
"""
    ),
    talk=main(
        """\
        System.out.println("ready");
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null; ) System.out.println("got " + line);
""",
        "import java.io.*;\n",
    ),
    clock=main(
        """\
        System.out.println(System.currentTimeMillis() / 1000.0);
        Thread.sleep((long) (Double.parseDouble(args[0]) * 1000));
        System.out.println(System.currentTimeMillis() / 1000.0);
"""
    ),
    write=main(
        """\
        Files.createDirectories(Path.of("out/deep"));
        Files.writeString(Path.of("top.txt"), "top\\n");
        Files.writeString(Path.of("out/text.txt"), "text\\n");
        byte[] data = new byte[256];
        for (int i = 0; i < 256; i++) data[i] = (byte) i;
        Files.write(Path.of("out/deep/bytes.bin"), data);
        Files.createSymbolicLink(Path.of("out/link.txt"), Path.of("/etc/passwd"));
        System.exit(3);
""",
        "import java.nio.file.*;\n",
    ),
    project={
        "Main.java": (
            "import parts.Words;\n"
            "public class Main {\n"
            "    public static void main(String[] args) throws Exception {\n"
            "        System.out.println(Words.phrase());\n"
            "    }\n"
            "}\n"
        ),
        "parts/Words.java": (
            "package parts;\n"
            "import java.nio.file.*;\n"
            "public class Words {\n"
            "    public static String phrase() throws Exception {\n"
            '        return "whole " + Files.readString(Path.of("data/noun.txt")).strip();\n'
            "    }\n"
            "}\n"
        ),
        "data/noun.txt": "project\n",
        "tools/Other.java": (
            b"package tools;\n"
            b"public class Other {\n"
            b'    public static void main(String[] a) { System.out.println("other entry"); }\n'
            b"}\n"
        ),
    },
    other_entry="tools/Other.java",
)

// The service's documents, as far as the page uses them.

export type Stream = "stdout" | "stderr";

export interface Limits {
  memory?: string;
  cpus?: number;
  pids?: number;
  disk?: string;
  output?: string;
}

export interface ExecutionRequest {
  language: string;
  code?: string;
  files?: { path: string; content: string }[];
  entrypoint?: string;
  stdin?: string;
  args?: string[];
  env?: Record<string, string>;
  packages?: string[];
  timeout?: number;
  limits?: Limits;
  isolation?: string;
  environment?: string;
  artifacts?: string[];
}

export interface Phase {
  name: string;
  status: string;
  exit_code: number | null;
  signal: string | null;
  execution_time: number;
  cpu_time: number | null;
  memory_peak: number | null;
}

export interface ExecutionResult {
  status: string;
  stdout: string;
  stderr: string;
  exit_code: number | null;
  signal: string | null;
  execution_time: number;
  error: { type: string; message: string; hint: string } | null;
  phases: Phase[];
  usage: { cpu_time: number | null; memory_peak: number | null };
  truncated: { stdout: boolean; stderr: boolean };
  artifacts: Record<string, string>;
  id: string;
  language: string;
  version: string;
  isolation: string;
  weakened: string[];
}

export interface Language {
  name: string;
  aliases: string[];
  version: string | null;
  hint?: string;
}

/** What holds where a request leaves a field out; sizes in bytes, times in seconds. */
export interface Defaults {
  timeout: number;
  limits: Record<"memory" | "cpus" | "pids" | "disk" | "output", number>;
  isolation: string;
  max_timeout: number;
  max_limits: Defaults["limits"];
  isolations: string[];
  /** Whether a request may ask for packages. */
  packages: boolean;
}

/** Packages that are ready before a request; sizes in bytes. */
export interface Environment {
  name: string;
  language: string;
  /** Version of the language; null if it is not built. */
  version: string | null;
  /** Versions are null as long as it is not built. */
  packages: { name: string; version: string | null; size: number }[];
  preload: string[];
  /** Whose programs may have it, its own first. */
  languages: string[];
  built: boolean;
  size: number | null;
}

/** Something that the server makes once for a language. */
export interface Preparation {
  language: string;
  label: string;
  done: number | null;
  total: number | null;
}

/** RFC 9457. */
export interface Problem {
  title: string;
  status: number;
  detail?: string;
  hint?: string;
  /** The part of the request that is wrong. */
  field?: string;
}

export type ServerEvent =
  | { type: "start"; id: string }
  | { type: "stdout" | "stderr"; data: string; phase?: string }
  | { type: "phase"; phase: string; outcome?: Phase | null }
  | { type: "result"; result: ExecutionResult }
  | { type: "error"; problem: Problem };

/** A session, as far as the page uses it. */
export interface SessionInfo {
  id: string;
  language: string;
  version: string;
  isolation: string;
  environment: string | null;
  idle_timeout: number;
  weakened: string[];
}

/** Something that code showed: text by MIME type, base64 of what is binary. */
export interface Display {
  data: Record<string, string>;
  is_main: boolean;
}

export interface CodeError {
  name: string;
  value: string;
  traceback: string;
  coloured?: string;
}

export interface SessionResult {
  status: string;
  stdout: string;
  stderr: string;
  results: Display[];
  error: CodeError | null;
  execution_count: number;
  execution_time: number;
  truncated: { stdout: boolean; stderr: boolean };
  restarted: boolean;
  exit_code: number | null;
  problem: { type: string; message: string; hint: string } | null;
}

export type SessionEvent =
  | { type: "stdout" | "stderr" | "input"; data: string }
  | { type: "display"; display: Display }
  | { type: "error"; error?: CodeError; problem?: Problem }
  | { type: "result"; result: SessionResult };

export interface FileInfo {
  path: string;
  name: string;
  type: "file" | "directory" | "symlink" | "other";
  size: number;
}

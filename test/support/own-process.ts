/**
 * For each test file: whatever calls process.exit in a test's process fails the test that runs, with a stack. vitest sees
 * to that itself, but only for the first file of a process, and ours have many: from the second on the process was gone.
 */
process.exit = (code) => {
  throw new Error(`process.exit(${code ?? ''}) was called in the process of the tests`)
}

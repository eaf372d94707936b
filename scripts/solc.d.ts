/** The part of solc that is used here; the package describes none of it. */
declare module 'solc' {
  const solc: {
    /** Takes and gives the compiler's standard JSON. */
    compile(input: string): string
    version(): string
  }
  export default solc
}

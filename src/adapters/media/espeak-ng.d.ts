/** eSpeak NG as a module: it runs with these arguments, and its files are read afterwards. */
declare module 'espeak-ng' {
  export default function run(options: { arguments: string[] }): Promise<{ FS: { readFile(path: string): Uint8Array } }>
}

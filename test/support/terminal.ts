/** `opslog <args>` as a program that takes its pipe for a terminal of this size: what it and its pager print. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programEnvironment } from './program-environment.ts'
import { root } from './source.ts'

export async function onScreen(
  args: readonly string[],
  { columns, rows }: { columns: number; rows: number },
  environment: Record<string, string> = {},
): Promise<string> {
  const size = `isTTY:{value:true},columns:{value:${columns}},rows:{value:${rows}}`
  const asTerminal = `data:text/javascript,Object.defineProperties(process.stdout,{${size}})`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', asTerminal, join(root, 'src/cli/opslog.ts'), ...args],
    { env: { ...programEnvironment(), NODE_NO_WARNINGS: '1', NO_COLOR: '1', ...environment } },
  )
  return stdout
}

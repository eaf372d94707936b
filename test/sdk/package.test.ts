/** The client as it is sent: small, made of its source, and at work in a project that has nothing else. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apis } from '../support/contexts.ts'
import { temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'

const run = promisify(execFile)
const sdk = join(root, 'sdk')
const manifest = JSON.parse(readFileSync(join(sdk, 'package.json'), 'utf8'))
const project = temporaryDirectory()
const installed = join(project.path, 'node_modules', '@opslog', 'client')
let sent: string[] = []

beforeAll(async () => {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project.path], { cwd: sdk })
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[]
  sent = packed?.files.map(({ path }) => path) ?? []
  mkdirSync(installed, { recursive: true })
  const file = join(project.path, packed?.filename ?? '')
  await run('tar', ['-xzf', file, '--strip-components=1', '-C', installed])
  for (const name of ['openapi-fetch', 'openapi-typescript-helpers'])
    cpSync(join(root, 'node_modules', name), join(project.path, 'node_modules', name), { recursive: true })
  writeFileSync(join(project.path, 'package.json'), '{ "type": "module" }')
})
afterAll(() => project.remove())

/** As the README shows the client at work. */
const examples = [...readFileSync(join(sdk, 'README.md'), 'utf8').matchAll(/```js\n(.*?)```/gs)].map(
  ([, code = '']) => code,
)

const compilers = [
  ['this project’s TypeScript', join(root, 'node_modules', 'typescript', 'bin', 'tsc')],
  ['TypeScript 5', join(sdk, 'node_modules', 'typescript', 'bin', 'tsc')],
] as const

/** What the compiler says of these files of the project. */
async function complaints(compiler: string, files: readonly string[]): Promise<string> {
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', ...files]
  const { stdout } = await run(process.execPath, [compiler, ...options], { cwd: project.path }).catch(
    ({ stdout, stderr }) => ({ stdout: `${stdout}${stderr}` }),
  )
  return stdout
}

const lines = (file: string): number =>
  readFileSync(join(sdk, 'src', file), 'utf8')
    .trimEnd()
    .split('\n').length

describe('the client', () => {
  it('is less than 400 lines by hand, and knows every context that has operations', () => {
    const own = readdirSync(join(sdk, 'src')).filter((file) => file !== 'contexts.ts')
    expect(own.reduce((sum, file) => sum + lines(file), 0)).toBeLessThan(400)
    const known = readdirSync(join(sdk, 'types'))
    const served = apis.filter(({ operations }) => operations.length > 0).map(({ name }) => name)
    expect(served.filter((name) => !known.includes(`${name}.d.ts`))).toEqual([])
    expect(served).toContain('rungate')
  })

  it('is sent as scripts and declarations alone, each made of a source that is there', () => {
    const sources = readdirSync(join(sdk, 'src')).map((file) => file.replace(/\.ts$/, ''))
    const expected = sources.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`])
    const types = readdirSync(join(sdk, 'types')).map((file) => `types/${file}`)
    expect(sent.toSorted()).toEqual([...expected, ...types, 'README.md', 'package.json'].toSorted())
    expect(Object.keys(manifest.dependencies)).toEqual(['openapi-fetch'])
  })

  it('runs in an empty project', async () => {
    const script = `
      import { createClient, verifyWebhook } from '@opslog/client'
      const client = createClient({ url: 'http://localhost', context: 'noctant', key: 'k', fetch: async (request) =>
        Response.json({ asked: request.url, key: request.headers.get('authorization') }) })
      const { data } = await client.GET('/v1/me')
      process.stdout.write(JSON.stringify([data, typeof verifyWebhook]))`
    writeFileSync(join(project.path, 'index.js'), script)
    const { stdout } = await run(process.execPath, ['index.js'], { cwd: project.path })
    expect(JSON.parse(stdout)).toEqual([{ asked: 'http://localhost/noctant/v1/me', key: 'Bearer k' }, 'function'])
  })

  it.each(compilers)('has types that %s takes, and that refuse what the API would', async (_, compiler) => {
    const source = `
      import { createClient, unwrap, type ApiProblem } from '@opslog/client'
      const client = createClient({ url: 'http://localhost', context: 'noctant' })
      export const name: string = (await unwrap(client.GET('/v1/me'))).operator.name
      export const codes = (problem: ApiProblem<'a' | 'b'>): 'a' | 'b' => problem.code
      // @ts-expect-error no such path
      client.GET('/v1/nothing')
      // @ts-expect-error the path of another context
      createClient({ url: '', context: 'firsthand' }).GET('/v1/accounts')
      // @ts-expect-error a body without its members
      client.POST('/v1/users', { body: {} })
      createClient({ url: '', context: 'killatamata' }).POST('/api/v1/arcade/releases/upload', {
        // @ts-expect-error a text where a file has to be
        body: { gameId: 'game_1', manifestJson: '{}', bundle: 'game.zip' },
      })`
    writeFileSync(join(project.path, 'index.ts'), source)
    expect(await complaints(compiler, ['index.ts'])).toBe('')
  })

  it.each(compilers)('has examples in its README that %s takes', async (_, compiler) => {
    const files = examples.map((code, n) => ({ name: `example-${n}.ts`, code }))
    for (const { name, code } of files) writeFileSync(join(project.path, name), code)
    // Node's own types are not the client's to be checked.
    const ofNode = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types'), '--skipLibCheck']
    const names = files.map(({ name }) => name)
    expect(names).toHaveLength(3)
    expect(await complaints(compiler, [...ofNode, ...names])).toBe('')
  })
})

/** The audit of dependencies against a registry on loopback that answers, finds something, or cannot answer. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'

const directory = temporaryDirectory()
let answer: (response: ServerResponse) => void
const asked: string[] = []
const server = createServer((request, response) => {
  request.resume()
  asked.push(`${request.method} ${request.url}`)
  if (request.method === 'POST') return answer(response)
  const packument = { name: 'planted', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': planted } }
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(packument))
})
const planted = {
  name: 'planted',
  version: '1.0.0',
  dist: { tarball: 'http://127.0.0.1/planted.tgz', shasum: '0'.repeat(40) },
}

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const project = { name: 'project', version: '1.0.0', dependencies: { planted: '1.0.0' } }
  const locked = { version: '1.0.0', resolved: planted.dist.tarball, integrity: `sha512-${'A'.repeat(86)}==` }
  const lock = {
    name: 'project',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: { '': project, 'node_modules/planted': locked },
  }
  writeFileSync(join(directory.path, 'package.json'), JSON.stringify(project))
  writeFileSync(join(directory.path, 'package-lock.json'), JSON.stringify(lock))
})
afterAll(() => {
  server.close()
  directory.remove()
})

async function audited(): Promise<{ code: number | null; output: string }> {
  const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const child = spawn(process.execPath, [join(root, 'scripts/audit-dependencies.ts'), '--registry', registry], {
    cwd: directory.path,
    env: { ...process.env, npm_config_cache: join(directory.path, randomUUID()), npm_config_fetch_retries: '0' },
  })
  let output = ''
  child.stdout.on('data', (piece) => {
    output += piece
  })
  const [code] = await once(child, 'close')
  return { code, output }
}

const json = (content: object, status = 200) => {
  answer = (response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content))
}

const advisory = (severity: string) => ({
  planted: [
    {
      id: 1,
      url: 'https://advisories.example/1',
      title: 'Planted fault',
      severity,
      vulnerable_versions: '<=1.0.0',
      cwe: [],
      cvss: { score: 0, vectorString: null },
    },
  ],
})

it('a registry that knows of nothing lets the build pass, and says what it looked for', {
  timeout: 60_000,
}, async () => {
  json({})
  const { code, output } = await audited()
  expect([code, output]).toEqual([0, expect.stringMatching(/^audited: .*0 high/)])
  expect(asked).toContain('POST /-/npm/v1/security/advisories/bulk')
})

it.each(['high', 'critical'])(
  'a %s vulnerability fails the build, and is named',
  { timeout: 60_000 },
  async (severity) => {
    json(advisory(severity))
    const { code, output } = await audited()
    expect([code, output]).toEqual([1, expect.stringContaining(`${severity}: planted: Planted fault`)])
  },
)

it('a moderate one is counted, and lets the build pass', { timeout: 60_000 }, async () => {
  json(advisory('moderate'))
  const { code, output } = await audited()
  expect([code, output]).toEqual([0, expect.stringContaining('1 moderate')])
})

it('a registry that cannot audit lets the build pass, and nobody overlooks it', { timeout: 60_000 }, async () => {
  json({ error: 'not allowed' }, 405)
  const { code, output } = await audited()
  expect([code, output]).toEqual([0, expect.stringMatching(/^NOT AUDITED: .*405/)])
})

/**
 * Compiles the contracts of the local chain, src/embedded/contracts. What comes out is committed, so that nothing is compiled when
 * an instance starts. It names a digest of what it was made from: as long as that is the same, there is nothing to do.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const DIRECTORY = join(import.meta.dirname, '..', 'src', 'embedded', 'contracts')
export const artifactsFile = join(DIRECTORY, 'artifacts.json')

/** Those that are deployed, by themselves or by another one. */
const DEPLOYED = ['Usdc', 'Dollar', 'TradingStorage', 'Trading', 'AgentAccount', 'AgentFactory']

const SETTINGS = {
  evmVersion: 'cancun',
  optimizer: { enabled: true, runs: 200 },
  // The same code for the same sources, wherever they lie and whatever their comments say.
  metadata: { bytecodeHash: 'none', appendCBOR: false },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
}

interface Output {
  errors?: { severity: string; formattedMessage: string }[]
  contracts?: Record<string, Record<string, { abi: unknown[]; evm: { bytecode: { object: string } } }>>
}

function sources(): Record<string, { content: string }> {
  const names = readdirSync(DIRECTORY).filter((name) => name.endsWith('.sol'))
  return Object.fromEntries(
    names.sort().map((name) => [name, { content: readFileSync(join(DIRECTORY, name), 'utf8') }]),
  )
}

/** Of the sources, the settings, and the version of the compiler. */
function digest(): string {
  const { version } = createRequire(import.meta.url)('solc/package.json') as { version: string }
  const content = JSON.stringify([version, SETTINGS, DEPLOYED, sources()])
  return createHash('sha256').update(content).digest('hex')
}

/** Whether the committed file was made from what is there now. */
export function artifactsAreCurrent(): boolean {
  return existsSync(artifactsFile) && JSON.parse(readFileSync(artifactsFile, 'utf8')).madeFrom === digest()
}

/** The content of the file. Takes seconds. Throws with what the compiler says against the sources, warnings included. */
export async function compiledArtifacts(): Promise<string> {
  const { default: solc } = await import('solc')
  const input = { language: 'Solidity', sources: sources(), settings: SETTINGS }
  const { errors = [], contracts = {} }: Output = JSON.parse(solc.compile(JSON.stringify(input)))
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'))
  const made = DEPLOYED.map((name) => {
    const compiled = contracts[`${name}.sol`]?.[name]
    if (!compiled) throw new Error(`There is no contract ${name}`)
    return [name, { abi: compiled.abi, bytecode: `0x${compiled.evm.bytecode.object}` }] as const
  })
  const file = { madeFrom: digest(), compiler: solc.version(), contracts: Object.fromEntries(made) }
  return `${JSON.stringify(file, null, 1)}\n`
}

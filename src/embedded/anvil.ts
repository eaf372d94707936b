/**
 * A private chain: anvil, which npm brings as one package for each platform, on loopback alone. It knows no accounts of its own, so
 * that nothing can be had by asking it for a signature. Keys come from words that are made once and kept beside its state.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { english, generateMnemonic, mnemonicToAccount } from 'viem/accounts'
import { toHex } from 'viem/utils'
import { type Ask, endFileOf, startKeepingState, stateToStartFrom } from './anvil-state.ts'
import { type Guarded, spawnGuarded } from './guardian.ts'
import { freePort, isPortFree, loopbackHost } from './ports.ts'

export interface AnvilOptions {
  /** Holds the state, the words that keys come from (mode 0600) and the log. Created on first use. */
  directory: string
  /** Fails where this port stays taken; without it a free one is found. */
  port?: number
  /** Default: an id that no public chain has. Another one is for what is to look like that chain; its keys are others anyway. */
  chainId?: number
  /** Until it answers, with its state loaded. Default 30,000. */
  startTimeoutMs?: number
  /** How long a chain of an earlier, killed run may take to go away. Default 15,000. */
  predecessorTimeoutMs?: number
  /** Told where the state cannot be written, as on a full disk; the first time of several in a row. */
  onFault?: (error: unknown) => void
}

export interface LocalChain {
  /** `http://127.0.0.1:40123` */
  rpcUrl: string
  chainId: number
  /** Process id of the chain. */
  pid: number
  /** The private key of this index; the same as long as the directory is. Key 0 deploys, 1 brings prices, 2 sponsors. */
  keyOf(index: number): `0x${string}`
  /** Resolves when it has ended, asked or not. */
  exited: Promise<unknown>
  stop(): Promise<void>
}

/** No public chain has it: what is signed for this one is worth nothing elsewhere. */
export const CHAIN_ID = 31_337

/** What runs calls does not change with the version of anvil. */
const HARDFORK = 'prague'
const START_ATTEMPTS_MAX = 5
const POLL_MS = 10
const ANSWER_MAX_MS = 5_000

/** npm brought no anvil for this operating system and processor. */
export class AnvilNotInstalled extends Error {
  override name = 'AnvilNotInstalled'
}

/** Path of the program. Throws AnvilNotInstalled. */
export function findAnvil(): string {
  const processor = process.arch === 'x64' ? 'amd64' : process.arch
  const platform = `@foundry-rs/anvil-${process.platform}-${processor}`
  try {
    // The platform's package is a dependency of anvil's, not of ours.
    const require = createRequire(createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json'))
    return join(require.resolve(`${platform}/package.json`), '..', 'bin', 'anvil')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    throw new AnvilNotInstalled(
      `The package ${platform} is not installed, so there is no local chain. ` +
        'Install again with optional dependencies, or name a node of your own.',
    )
  }
}

/** Starts it, and resolves when it answers. */
export async function startAnvil(options: AnvilOptions): Promise<LocalChain> {
  const directory = resolve(options.directory)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  chmodSync(directory, 0o700)
  if (options.port !== undefined && !(await isPortFree(options.port))) {
    throw new Error(`Port ${options.port}, asked for the local chain, is in use on ${loopbackHost}`)
  }
  const words = keepWords(join(directory, 'words'))
  await predecessorGone(directory, options.predecessorTimeoutMs ?? 15_000)
  const { server, port } = await startServer(directory, options)
  writeFileSync(join(directory, PID_FILE), `${server.pid}\n`)
  const endKeeping = startKeepingState(directory, askerOf(port), options.onFault)
  return {
    ...{ rpcUrl: `http://${loopbackHost}:${port}`, chainId: options.chainId ?? CHAIN_ID, pid: server.pid },
    keyOf: (index) => keyFrom(words, index),
    exited: server.exited.finally(endKeeping),
    async stop() {
      await endKeeping()
      await server.stop()
    },
  }
}

function keyFrom(words: string, addressIndex: number): `0x${string}` {
  const { privateKey } = mnemonicToAccount(words, { addressIndex }).getHdKey()
  if (!privateKey) throw new Error('The words of the local chain give no private key')
  return toHex(privateKey)
}

/** Made once, so that keys and addresses stay. They are worth nothing, but nobody else is to send in their name. */
function keepWords(file: string): string {
  if (!existsSync(file)) {
    writeFileSync(`${file}.new`, `${generateMnemonic(english)}\n`, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  return readFileSync(file, 'utf8').trim()
}

const PID_FILE = 'anvil.pid'

/** A process id that was left behind may be anybody's by now: only one that works in this directory counts. */
async function predecessorGone(directory: string, timeoutMs: number): Promise<void> {
  const file = join(directory, PID_FILE)
  const deadline = Date.now() + timeoutMs
  while (existsSync(file)) {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
    if (!Number.isInteger(pid) || !isAnvilOf(pid, directory)) return rmSync(file, { force: true })
    if (Date.now() > deadline) {
      throw new Error(
        `Another local chain (process ${pid}) still works in ${directory} after ${timeoutMs} ms; stop it first`,
      )
    }
    await delay(POLL_MS)
  }
}

function isAnvilOf(pid: number, directory: string): boolean {
  try {
    if (process.platform === 'linux') return realpathSync(`/proc/${pid}/cwd`) === realpathSync(directory)
    return execFileSync('ps', ['-o', 'command=', '-p', `${pid}`], { encoding: 'utf8' }).includes('anvil')
  } catch {
    // No such process, or one of another user.
    return false
  }
}

/** Tried again where the port was taken in the meantime. */
async function startServer(directory: string, options: AnvilOptions): Promise<{ server: Guarded; port: number }> {
  const program = findAnvil()
  const startFrom = stateToStartFrom(directory)
  const { chainId = CHAIN_ID } = options
  const logFile = join(directory, 'anvil.log')
  const deadline = Date.now() + (options.startTimeoutMs ?? 30_000)
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    const server = await spawnGuarded(program, commandLine(directory, { port, chainId }, startFrom), {
      ...{ cwd: directory, env: { PATH: process.env.PATH, HOME: directory, TZ: 'UTC' } },
      ...{ stopSignal: 'TERM', logFile },
    })
    if (await answers(server, { port, chainId }, deadline)) return { server, port }
    await server.stop()
    const log = readFileSync(logFile, 'utf8')
    if (!/in use/i.test(log) || attempt === START_ATTEMPTS_MAX || Date.now() > deadline) {
      throw new Error(`The local chain did not start; the end of ${logFile} says:\n${log.slice(-2_000)}`)
    }
  }
}

/** States of blocks that calls can still be made at. anvil would write older ones to the disk, and leave them there. */
const STATES_KEPT = 64
/** Blocks whose transactions and receipts can still be asked for. */
const TRANSACTION_BLOCKS_KEPT = 500
/** Its own way of keeping its state is not used while it runs. */
const NEVER_S = 1_000_000_000

interface Place {
  port: number
  chainId: number
}

function commandLine(directory: string, { port, chainId }: Place, startFrom: string | undefined): string[] {
  const settings: Record<string, string | number> = {
    host: loopbackHost,
    port,
    'chain-id': chainId,
    hardfork: HARDFORK,
    accounts: 0,
    'prune-history': STATES_KEPT,
    'transaction-block-keeper': TRANSACTION_BLOCKS_KEPT,
    'dump-state': endFileOf(directory),
    'state-interval': NEVER_S,
    ...(startFrom === undefined ? {} : { 'load-state': startFrom }),
  }
  // No page of a browser may speak with it; and it would log each question.
  return [...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]), '--no-cors', '--quiet']
}

/** False where it ended, or did not answer in time. */
async function answers(server: Guarded, place: Place, deadline: number): Promise<boolean> {
  let ended = false
  server.exited.then(() => {
    ended = true
  })
  while (!ended && Date.now() < deadline) {
    if (await answersAt(place)) return true
    await delay(POLL_MS)
  }
  return false
}

async function answersAt({ port, chainId }: Place): Promise<boolean> {
  try {
    return (await askerOf(port)('eth_chainId')) === toHex(chainId)
  } catch {
    // Nothing listens there yet.
    return false
  }
}

/** Rejects where there is no answer in time. */
function askerOf(port: number): Ask {
  return async (method, ...params) => {
    const answer = await fetch(`http://${loopbackHost}:${port}`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(ANSWER_MAX_MS),
    })
    const { result } = (await answer.json()) as { result?: unknown }
    return result
  }
}

/** The arcade: a game from its bundle to the page that plays it, and bundles that nobody should open. */
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import sharp from 'sharp'
import { ZipFile } from 'yazl'
import { accepted } from '../../accepted.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { CliError, EXIT } from '../../terminal.ts'
import type { Caller, KillatamataStory, Say } from './story.ts'

interface Packed {
  path: string
  bytes: Uint8Array
  /** Of Unix; a plain file's where it is absent. */
  mode?: number
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
/** The shortest module that a browser takes, and a pack with nothing in it. */
const WASM = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
const PACK = Uint8Array.of(...utf8('GDPC'), ...new Uint8Array(60))
const TITLE = 'Foghorn'
/** As Godot exports a game, as far as its files go. */
const GAME: readonly Packed[] = [
  { path: 'index.html', bytes: utf8(`<!doctype html><title>${TITLE}</title><script src="index.js"></script>`) },
  { path: 'index.js', bytes: utf8('document.title = "played"') },
  { path: 'index.wasm', bytes: WASM },
  { path: 'index.pck', bytes: PACK },
]

function zipOf(files: readonly Packed[]): Promise<Buffer> {
  const zip = new ZipFile()
  for (const { path, bytes, mode } of files) zip.addBuffer(Buffer.from(bytes), path, mode === undefined ? {} : { mode })
  zip.end()
  return buffer(zip.outputStream)
}

const SAFE_PATH = 'up/evil.js'
const LINK_MODE = 0o120777
/** Of zeros, out of a few kilobytes. */
const BOMB_BYTES = 8_388_608

/** What is wrong with a bundle, and one with which it is. */
const evilBundles: readonly (readonly [code: string, make: () => Promise<Buffer>])[] = [
  // The library that writes archives knows no path that leads out of one, so that it is written over.
  ['zip_slip', async () => renamed(await zipOf([...GAME, { path: SAFE_PATH, bytes: WASM }]), SAFE_PATH, '../evil.js')],
  ['zip_symlink', () => zipOf([...GAME, { path: 'link.js', bytes: utf8('/etc/passwd'), mode: LINK_MODE }])],
  ['zip_bomb', () => zipOf([...GAME, { path: 'bomb.pck', bytes: new Uint8Array(BOMB_BYTES) }])],
]

/** The archive with this path in the place of another one of its length. */
function renamed(archive: Buffer, path: string, other: string): Buffer {
  if (path.length !== other.length) throw new Error('a path is written over by one of its length')
  return Buffer.from(archive.toString('latin1').replaceAll(path, other), 'latin1')
}

const VERSION = '1.0.0'
const MANIFEST = { version: VERSION, engine: 'godot', engineVersion: '4.4', entrypoint: 'index.html' }

/** Sends a bundle as a form; a call that comes twice counts once. */
function upload(
  { customer, run }: KillatamataStory,
  { gameId, name, bundle, cover }: { gameId: string; name: string; bundle: Buffer; cover?: Buffer },
) {
  const fileOf = (bytes: Buffer, filename: string, type: string) =>
    new File([Uint8Array.from(bytes)], filename, { type })
  const body = {
    ...{ gameId, manifestJson: JSON.stringify(MANIFEST) },
    bundle: fileOf(bundle, `${name}.zip`, 'application/zip'),
    ...(cover && { coverImage: fileOf(cover, 'cover.png', 'image/png') }),
  }
  return customer.POST('/api/v1/arcade/releases/upload', { body, headers: { 'x-idempotency-key': `${run}-${name}` } })
}

const FETCH_TIMEOUT_MS = 10_000
const open = (url: string) => fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) })

export async function publishGame(story: KillatamataStory, say: Say): Promise<void> {
  const { customer, as, sandbox, checks, run, found } = story
  const facts = { title: TITLE, shortDescription: 'Find the harbour by ear.', description: 'A game.', tags: ['fog'] }
  const made = await accepted(customer.POST('/api/v1/arcade/games', { body: { ...facts, slug: `foghorn-${run}` } }))
  const { gameId, slug } = made.game
  for (const [code, make] of evilBundles) {
    const refused = await upload(story, { gameId, name: code, bundle: await make() })
    const told = `${statusOf(refused)} ${faultOf(refused.error)}`
    checks.equal(`a bundle with a ${code.replace('zip_', '')} is refused`, told, `400 bundle_rejected ${code}`)
  }
  const { games } = await accepted(customer.GET('/api/v1/arcade/games/mine'))
  checks.equal('and leaves nothing', games.find((each) => each.gameId === gameId)?.releases.length, 0)

  const cover = found.picture && (await readFile(found.picture.path))
  const sent = { gameId, name: 'game', bundle: await zipOf(GAME), ...(cover && { cover }) }
  const { releaseId, coverUrl, fileCount, status } = (await accepted(upload(story, sent))).release
  checks.equal('a good one is a draft', `${status} ${fileCount}`, `draft ${GAME.length}`)
  checks.equal('with the picture as its cover', await sizeOf(String(coverUrl)), 'webp 1280x720')
  const submitted = await accepted(customer.PATCH('/api/v1/arcade/releases/submit', { body: { releaseId } }))
  checks.equal('its creator submits it', submitted.release.status, 'submitted')
  const approve = (by: Caller) =>
    by.PATCH('/api/v1/arcade/review/release', {
      body: { releaseId, action: 'approve', notes: 'It sounds well.' },
    })
  checks.equal('and does not review it', statusOf(await approve(customer)), '403 admin_required')
  const admin = as(sandbox().admin.api_key)
  checks.equal('a reviewer does', (await accepted(approve(admin))).release.status, 'approved')
  const publishing = { body: { releaseId, action: 'publish' as const, channel: 'live' as const } }
  const published = await accepted(admin.PATCH('/api/v1/arcade/review/release', publishing))
  checks.equal('and publishes it', published.release.status, 'published')
  found.game = { slug, releaseId }
  say(slug)
}

/** What is wrong with a bundle: the code of the first fault. */
const faultOf = (refusal: { errors?: { code: string }[] } | undefined): string | undefined => refusal?.errors?.[0]?.code

async function sizeOf(url: string): Promise<string> {
  const { format, width, height } = await sharp(Buffer.from(await (await open(url)).arrayBuffer())).metadata()
  return `${format} ${width}x${height}`
}

export async function playGame({ as, sandbox, checks, run, found }: KillatamataStory, say: Say): Promise<void> {
  if (!found.game) throw new CliError(EXIT.refused, 'the run has published no game')
  const { slug, releaseId } = found.game
  const player = as(sandbox().other_account.api_key)
  const { entries } = await accepted(player.GET('/api/v1/arcade/catalog', { params: { query: { channel: 'live' } } }))
  checks.equal('anybody finds it', entries.find((entry) => entry.slug === slug)?.releaseId, releaseId)
  const body = { slug, channel: 'live' as const, idempotencyKey: `${run}-play` }
  const launch = async () => (await accepted(player.POST('/api/v1/arcade/launch-sessions', { body }))).session
  const { sessionId, launchUrl } = await launch()
  checks.equal('asked for again, it is the same launch', (await launch()).sessionId, sessionId)
  const page = await open(launchUrl)
  checks.equal('its address has the page', (await page.text()).includes(`<title>${TITLE}</title>`), true)
  const policy = page.headers.get('content-security-policy') ?? ''
  checks.holds('in a sandbox of its own', policy.startsWith('sandbox allow-scripts'), 'sandbox', policy.split(';')[0])
  const wasm = await open(new URL('index.wasm', launchUrl).href)
  checks.equal('and its module', `${wasm.status} ${wasm.headers.get('content-type')}`, '200 application/wasm')
  const tell = async (event: 'launched' | 'heartbeat' | 'end') =>
    (await accepted(player.PATCH('/api/v1/arcade/launch-sessions', { body: { sessionId, event } }))).session.status
  const states = [await tell('launched'), await tell('heartbeat'), await tell('end')]
  checks.equal('it starts, plays and ends', states.join(', '), 'launched, launched, ended')
  checks.equal('and is closed then', (await open(launchUrl)).status, 410)
  say(sessionId)
}

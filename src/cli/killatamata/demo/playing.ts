/** The arcade: a game from its bundle to the page that plays it, and bundles that nobody should open. */
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import sharp from 'sharp'
import { ZipFile } from 'yazl'
import type { Answer } from '../../demo/client.ts'
import { CliError, EXIT } from '../../terminal.ts'
import { type KillatamataStory, must, partOf, rowsOf, type Say, statusOf } from './story.ts'

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
  { call, run }: KillatamataStory,
  { gameId, name, bundle, cover }: { gameId: unknown; name: string; bundle: Buffer; cover?: Buffer },
): Promise<Answer> {
  const form = new FormData()
  form.append('gameId', String(gameId))
  form.append('manifestJson', JSON.stringify(MANIFEST))
  form.append('bundle', new Blob([Uint8Array.from(bundle)], { type: 'application/zip' }), `${name}.zip`)
  if (cover) form.append('coverImage', new Blob([Uint8Array.from(cover)], { type: 'image/png' }), 'cover.png')
  return call('POST', '/arcade/releases/upload', form, { 'x-idempotency-key': `${run}-${name}` })
}

const FETCH_TIMEOUT_MS = 10_000
const open = (url: unknown) => fetch(String(url), { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) })

export async function publishGame(story: KillatamataStory, say: Say): Promise<void> {
  const { call, as, sandbox, checks, run, found } = story
  const facts = { title: TITLE, shortDescription: 'Find the harbour by ear.', description: 'A game.', tags: ['fog'] }
  const made = must(await call('POST', '/arcade/games', { ...facts, slug: `foghorn-${run}` }), 201, 'a game')
  const { gameId, slug } = partOf(made, 'game')
  for (const [code, make] of evilBundles) {
    const refused = await upload(story, { gameId, name: code, bundle: await make() })
    const told = `${statusOf(refused)} ${rowsOf(refused.body, 'errors')[0]?.code}`
    checks.equal(`a bundle with a ${code.replace('zip_', '')} is refused`, told, `400 bundle_rejected ${code}`)
  }
  const mine = rowsOf((await call('GET', '/arcade/games/mine')).body, 'games').find((each) => each.gameId === gameId)
  checks.equal('and leaves nothing', rowsOf(mine ?? {}, 'releases').length, 0)

  const cover = found.picture && (await readFile(found.picture.path))
  const sent = { gameId, name: 'game', bundle: await zipOf(GAME), ...(cover && { cover }) }
  const { releaseId, coverUrl, fileCount, status } = partOf(must(await upload(story, sent), 201, 'a bundle'), 'release')
  checks.equal('a good one is a draft', `${status} ${fileCount}`, `draft ${GAME.length}`)
  checks.equal('with the picture as its cover', await sizeOf(coverUrl), 'webp 1280x720')
  const submitted = await call('PATCH', '/arcade/releases/submit', { releaseId })
  checks.equal('its creator submits it', partOf(submitted.body, 'release').status, 'submitted')
  const review = (by: typeof call, more: object) => by('PATCH', '/arcade/review/release', { releaseId, ...more })
  checks.equal('and does not review it', statusOf(await review(call, { action: 'approve' })), '403 admin_required')
  const admin = as(() => sandbox().admin.api_key)
  const approved = await review(admin, { action: 'approve', notes: 'It sounds well.' })
  checks.equal('a reviewer does', partOf(approved.body, 'release').status, 'approved')
  const published = await review(admin, { action: 'publish', channel: 'live' })
  checks.equal('and publishes it', partOf(published.body, 'release').status, 'published')
  found.game = { slug: String(slug), releaseId: String(releaseId) }
  say(String(slug))
}

async function sizeOf(url: unknown): Promise<string> {
  const { format, width, height } = await sharp(Buffer.from(await (await open(url)).arrayBuffer())).metadata()
  return `${format} ${width}x${height}`
}

export async function playGame({ as, sandbox, checks, run, found }: KillatamataStory, say: Say): Promise<void> {
  if (!found.game) throw new CliError(EXIT.refused, 'the run has published no game')
  const { slug, releaseId } = found.game
  const player = as(() => sandbox().other_account.api_key)
  const listed = rowsOf((await player('GET', '/arcade/catalog?channel=live')).body, 'entries')
  checks.equal('anybody finds it', listed.find((entry) => entry.slug === slug)?.releaseId, releaseId)
  const wanted = { slug, channel: 'live', idempotencyKey: `${run}-play` }
  const launch = () => player('POST', '/arcade/launch-sessions', wanted)
  const { sessionId, launchUrl } = partOf(must(await launch(), 201, 'a launch'), 'session')
  checks.equal('asked for again, it is the same launch', partOf((await launch()).body, 'session').sessionId, sessionId)
  const page = await open(launchUrl)
  checks.equal('its address has the page', (await page.text()).includes(`<title>${TITLE}</title>`), true)
  const policy = page.headers.get('content-security-policy') ?? ''
  checks.holds('in a sandbox of its own', policy.startsWith('sandbox allow-scripts'), 'sandbox', policy.split(';')[0])
  const wasm = await open(new URL('index.wasm', String(launchUrl)))
  checks.equal('and its module', `${wasm.status} ${wasm.headers.get('content-type')}`, '200 application/wasm')
  const tell = async (event: string) => {
    const { body } = await player('PATCH', '/arcade/launch-sessions', { sessionId, event })
    return partOf(body, 'session').status
  }
  const states = [await tell('launched'), await tell('heartbeat'), await tell('end')]
  checks.equal('it starts, plays and ends', states.join(', '), 'launched, launched, ended')
  checks.equal('and is closed then', (await open(launchUrl)).status, 410)
  say(String(sessionId))
}

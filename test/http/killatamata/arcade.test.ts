/** The arcade over HTTP: from a bundle to a page that plays, and what is refused on the way. */

import { hash, randomUUID } from 'node:crypto'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import { systemContext } from '../../../src/commands/context.ts'
import { arcadeGame } from '../../../src/commands/killatamata/arcade-game.ts'
import { arcadeLaunch } from '../../../src/commands/killatamata/arcade-launch.ts'
import { readManifest } from '../../../src/processes/killatamata/arcade/bundle.ts'
import { ARCADE_FILES, fileKeyOf } from '../../../src/processes/killatamata/arcade/files.ts'
import { ARCADE, createArcadeSweep } from '../../../src/processes/killatamata/arcade/keeping.ts'
import { addRelease } from '../../../src/processes/killatamata/arcade/releasing.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { eventually, silentLog } from '../../projections/support.ts'
import { gameFiles, text, type ZippedFile, zipOf } from '../../support/zips.ts'
import type { Answered } from '../serving.ts'
import { type Customer, startKillatamata } from './serving.ts'

const served = await startKillatamata({ processes: [ARCADE], env: { ARCADE_BUNDLE_MAX_BYTES: '2000000' } })
afterAll(() => served.stop())

const { arcade } = served.parts
const [ada, ben, reviewer] = [
  await served.customer('ada'),
  await served.customer('ben'),
  await served.customer('rosa', { isAdmin: true }),
]

const slugs = Array.from({ length: 100 }, (_, n) => `game-${n}-${randomUUID().slice(0, 8)}`)
const game = (slug = slugs.pop() ?? '') => ({
  ...{ slug, title: 'Star Drift', shortDescription: 'Drift between stars.', description: 'A game.', tags: ['space'] },
})
const patch = (path: string, body: object, key: string) => served.ask('PATCH', `/api/v1/arcade/${path}`, { body, key })

const manifest = (version = '1.0.0', more: object = {}) => ({
  ...{ version, engine: 'godot', engineVersion: '4.4', entrypoint: 'index.html', ...more },
})
const picture = await sharp({ create: { width: 400, height: 400, channels: 3, background: '#204060' } })
  .png()
  .toBuffer()

interface Upload {
  gameId: string
  manifestJson?: string
  bundle?: Uint8Array
  cover?: Uint8Array
}

async function upload(
  { gameId, manifestJson, bundle, cover }: Upload,
  key: string,
  headers: Record<string, string> = {},
) {
  const form = new FormData()
  form.append('gameId', gameId)
  form.append('manifestJson', manifestJson ?? JSON.stringify(manifest()))
  form.append('bundle', new Blob([Buffer.from(bundle ?? zipOf(gameFiles))]), 'game.zip')
  if (cover) form.append('coverImage', new Blob([Buffer.from(cover)]), 'cover.png')
  const answer = await fetch(`${served.url}/killatamata/api/v1/arcade/releases/upload`, {
    ...{ method: 'POST', body: form, headers: { authorization: `Bearer ${key}`, ...headers } },
  })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answered['body'] }
}

const newGame = async ({ key }: Customer, of = game()) => (await served.post('arcade/games', of, key)).body.game

/** A game with a release on a channel. */
async function published({
  channel = 'live',
  visibility,
  ...more
}: {
  channel?: string
  visibility?: string
  threads?: boolean
} = {}) {
  const made = await newGame(ada)
  const sent = { gameId: made.gameId, manifestJson: JSON.stringify(manifest('1.0.0', more)), cover: picture }
  const { releaseId } = (await upload(sent, ada.key)).body.release
  await patch('releases/submit', { releaseId }, ada.key)
  await patch('review/release', { releaseId, action: 'approve' }, reviewer.key)
  const on = { releaseId, action: 'publish', channel, ...(visibility && { visibility }) }
  const { status } = await patch('review/release', on, reviewer.key)
  expect(status).toBe(200)
  return { ...made, releaseId }
}

const launch = (slug: string, key = ben.key, more: object = {}) =>
  served.post('arcade/launch-sessions', { slug, idempotencyKey: randomUUID(), ...more }, key)

describe('a game', () => {
  it('has a slug of its own, in the whole arcade', async () => {
    const wanted = game()
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => served.post('arcade/games', wanted, n % 2 ? ada.key : ben.key)),
    )
    expect(answers.map(({ status }) => status).sort()).toStrictEqual([201, ...Array(9).fill(409)])
    expect(answers.find(({ status }) => status === 409)?.body.code).toBe('slug_taken')
    const made = answers.find(({ status }) => status === 201)?.body.game
    expect(made).toMatchObject({ ...wanted, updatedAt: made.createdAt })
    expect(made.gameId).toMatch(/^game_[0-9A-Z]{26}$/)
  })

  it('is checked member by member; what is not known is ignored', async () => {
    const faults: object[] = [
      ...['ab', 'A-game', '-game', 'game-', 'x'.repeat(49)].map((slug) => ({ slug })),
      ...[{ title: 'x' }, { title: 'x'.repeat(81) }, { shortDescription: '' }, { shortDescription: 'x'.repeat(161) }],
      ...[
        { description: '' },
        { description: 'x'.repeat(4_001) },
        { tags: Array(9).fill('x') },
        { tags: ['x'.repeat(25)] },
      ],
    ]
    for (const fault of faults) {
      const { status, body } = await served.post('arcade/games', { ...game(), ...fault }, ada.key)
      expect([fault, status, body.errors?.[0]?.pointer.split('/')[1]]).toStrictEqual([
        fault,
        400,
        Object.keys(fault)[0],
      ])
    }
    expect((await served.post('arcade/games', { ...game(), other: 1 }, ada.key)).status).toBe(201)
  })

  it('is made once for one key', async () => {
    const headers = { 'x-idempotency-key': randomUUID() }
    const wanted = game()
    const first = await served.post('arcade/games', wanted, ada.key, headers)
    const again = await served.post('arcade/games', wanted, ada.key, headers)
    // To the byte: members stand in the same order.
    expect(JSON.stringify(again.body)).toBe(JSON.stringify(first.body))
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect((await served.post('arcade/games', game(), ada.key, headers)).body.code).toBe('idempotency_key_reused')
  })
})

describe('an upload', () => {
  it('becomes a draft, with its cover, once for one key and once for each version', async () => {
    const { gameId } = await newGame(ada)
    const headers = { 'x-idempotency-key': randomUUID() }
    const bundle = zipOf(gameFiles)
    const first = await upload({ gameId, bundle, cover: picture }, ada.key, headers)
    expect(first).toMatchObject({
      status: 201,
      body: {
        ok: true,
        release: {
          ...{ gameId, version: '1.0.0', status: 'draft', fileCount: 4, entrypoint: 'index.html' },
          ...{ sizeBytes: bundle.byteLength, sha256: hash('sha256', bundle) },
        },
      },
    })
    expect(first.body.release.checks).toContainEqual({ name: 'archive', passed: true })
    const again = await upload({ gameId, bundle, cover: picture }, ada.key, headers)
    expect([again.status, again.body]).toStrictEqual([201, first.body])
    expect((await upload({ gameId, bundle }, ada.key, headers)).body.code).toBe('idempotency_key_reused')
    expect((await upload({ gameId }, ada.key)).body.code).toBe('version_exists')
    const cover = await fetch(first.body.release.coverUrl)
    expect(cover.headers.get('x-content-type-options')).toBe('nosniff')
    const { width, height, format } = await sharp(Buffer.from(await cover.arrayBuffer())).metadata()
    expect({ width, height, format }).toStrictEqual({ width: 1_280, height: 720, format: 'webp' })
    const { body: mine } = await served.get('arcade/games/mine', ada.key)
    expect(mine.games[0]).toMatchObject({ gameId, releases: [{ releaseId: first.body.release.releaseId }] })
    expect(JSON.stringify((await served.get('arcade/games/mine', ben.key)).body)).not.toContain(gameId)
  })

  it('of many at once with one version is taken once', async () => {
    const { gameId } = await newGame(ada)
    const answers = await Promise.all(Array.from({ length: 6 }, () => upload({ gameId }, ada.key)))
    expect(answers.map(({ status }) => status).sort()).toStrictEqual([201, ...Array(5).fill(409)])
  })

  it('for another’s game, or for none, is not found', async () => {
    const { gameId } = await newGame(ada)
    for (const named of [gameId, prefixedId('game', new Date().toISOString(), 'none'), 'nothing']) {
      const { status, body } = await upload({ gameId: named }, ben.key)
      expect([status, body.code]).toStrictEqual([404, 'game_not_found'])
    }
  })

  it('is refused for what is wrong with it, and leaves nothing', async () => {
    const { gameId } = await newGame(ada)
    const before = await storedFiles()
    const without = (name: string) => gameFiles.filter((file) => file.name !== name)
    const having = (...files: ZippedFile[]) => zipOf([...gameFiles, ...files])
    const bundles: Record<string, Partial<Upload>[]> = {
      not_a_zip: [{ bundle: text('no archive') }],
      zip_slip: [{ bundle: having({ name: '../evil.js' }) }],
      zip_symlink: [{ bundle: having({ name: 'a.js', mode: 0o120777 }) }],
      zip_encrypted: [{ bundle: having({ name: 'a.js', flags: 1 }) }],
      zip_duplicate: [{ bundle: having({ name: 'INDEX.js' }) }],
      zip_bomb: [{ bundle: having({ name: 'a.pck', data: new Uint8Array(8_000_000) }) }],
      path_too_long: [{ bundle: having({ name: `${'a'.repeat(200)}.js` }) }],
      file_type: [{ bundle: having({ name: 'a.exe' }) }, { bundle: having({ name: 'README' }) }],
      manifest_invalid: [
        ...[manifest('1'), manifest('v1.0.0'), manifest('1.0.0', { engine: 'unity' })],
        ...[manifest('1.0.0', { entrypoint: 7 }), manifest('1.0.0', { threads: 'yes' }), [], null],
      ].map((each) => ({ manifestJson: JSON.stringify(each) })),
      entrypoint_missing: [{ bundle: zipOf(without('index.html')) }],
      engine_files_missing: [
        { bundle: zipOf(without('index.js')) },
        { bundle: zipOf([...without('index.wasm'), { name: 'index.wasm', data: text('no module') }]) },
        { bundle: zipOf([...without('index.pck'), { name: 'other/index.pck', data: text('GDPC') }]) },
      ],
      cover_invalid: [{ cover: text('no picture') }, { cover: text('<svg xmlns="http://www.w3.org/2000/svg"/>') }],
    }
    for (const [code, sent] of Object.entries(bundles)) {
      for (const each of sent) {
        const { status, body } = await upload({ gameId, ...each }, ada.key)
        expect([status, body.code, body.errors?.[0]?.code]).toStrictEqual([400, 'bundle_rejected', code])
      }
    }
    const large = await upload({ gameId, bundle: new Uint8Array(2_000_001) }, ada.key)
    expect([large.status, large.body.code]).toStrictEqual([413, 'body_too_large'])
    expect(await storedFiles()).toStrictEqual(before)
    expect(await readdir(arcade.directory)).toStrictEqual([])
  })

  it('that is cut off leaves nothing', async () => {
    const { gameId } = await newGame(ada)
    const before = await storedFiles()
    const head = `--x\r\ncontent-disposition: form-data; name="gameId"\r\n\r\n${gameId}\r\n--x\r\ncontent-disposition: form-data; name="bundle"; filename="a"\r\n\r\n`
    const sending = request(`${served.url}/killatamata/api/v1/arcade/releases/upload`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${ada.key}`, 'content-type': 'multipart/form-data; boundary=x' },
        'content-length': '900000',
      },
    })
    const ended = new Promise((resolve) => sending.on('error', resolve))
    sending.write(Buffer.concat([Buffer.from(head), Buffer.alloc(200_000)]))
    await eventually(async () => expect((await readdir(arcade.directory)).length).toBe(1))
    sending.destroy()
    await ended
    await eventually(async () => expect(await readdir(arcade.directory)).toStrictEqual([]))
    expect(await storedFiles()).toStrictEqual(before)
    const { body: mine } = await served.get('arcade/games/mine', ada.key)
    expect(mine.games.find((each: { gameId: string }) => each.gameId === gameId).releases).toStrictEqual([])
  })
})

const storedFiles = async () => (await arcade.objects.list(ARCADE_FILES, undefined, 10_000)).map(({ key }) => key)

/** The sweep, as it looks in two hours, until that holds. */
async function sweptInTwoHours(holds: () => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const now = () => new Date(Date.now() + 2 * 3_600_000)
  const running = createArcadeSweep({ arcade, log: silentLog, now }).run(stop.signal)
  await eventually(holds)
  stop.abort()
  await running
}

describe('files without a release', () => {
  it('are swept, as are uploads that ended midway; those of a release stay', async () => {
    const { releaseId } = await published()
    const before = await storedFiles()
    const { gameId } = await newGame(ada)
    const directory = join(arcade.directory, 'upload-old')
    await mkdir(directory)
    const archive = join(directory, 'bundle')
    await writeFile(archive, zipOf(gameFiles))
    await utimes(directory, 0, 0)
    const sent = {
      ...{ accountId: ada.accountId, gameId, manifest: readManifest(JSON.stringify(manifest())), directory },
      ...{ archive: { path: archive, sizeBytes: 1, sha256: 'a'.repeat(64) }, coverPath: undefined },
    }
    // As a process that ends behind the storage and before the event.
    const ending = async (...asked: unknown[]) => {
      if (asked[0] === arcadeGame) throw new Error('the process ends')
      return (asked[4] as () => Promise<void>)()
    }
    const dying = { ...arcade, bus: { ...arcade.bus, handle: ending as never } }
    const context = systemContext('test', randomUUID(), new Date().toISOString())
    await expect(addRelease(dying, sent, context)).rejects.toThrow('the process ends')
    expect(await storedFiles()).toHaveLength(before.length + gameFiles.length)
    const { body } = await served.get('arcade/games/mine', ada.key)
    expect(body.games.find((each: { gameId: string }) => each.gameId === gameId).releases).toStrictEqual([])
    await sweptInTwoHours(async () =>
      expect([await storedFiles(), await readdir(arcade.directory)]).toStrictEqual([before, []]),
    )
    expect(await arcade.objects.head(fileKeyOf(releaseId, 'index.html'))).toBeDefined()
  })

  it('are finished where the game has the release already', async () => {
    const { gameId } = await newGame(ada)
    const at = new Date().toISOString()
    const releaseId = prefixedId('rel', at, randomUUID())
    const facts = {
      ...{ accountId: ada.accountId, gameId, releaseId, occurredAt: at, version: '2.0.0', engine: 'godot' as const },
      ...{ engineVersion: '4.4', entrypoint: 'index.html', threads: false, sizeBytes: 1, sha256: 'a'.repeat(64) },
      ...{ unpackedBytes: 1, fileCount: 1, coverSha256: null, checks: [] },
    }
    // The process ended between the two events.
    await served.parts.bus.handle(arcadeGame, gameId, { kind: 'add', facts }, systemContext('test', randomUUID(), at))
    await eventually(async () => {
      const { status } = await patch('releases/submit', { releaseId }, ada.key)
      expect(status).toBe(200)
    })
  })
})

describe('a review', () => {
  it('is the reviewers’ alone, and of others’ releases', async () => {
    const own = await newGame(reviewer)
    const { releaseId } = (await upload({ gameId: own.gameId }, reviewer.key)).body.release
    for (const [path, body] of [['review/release', { releaseId, action: 'approve' }]] as const) {
      const { status, body: refused } = await patch(path, body, ada.key)
      expect([status, refused.code]).toStrictEqual([403, 'admin_required'])
    }
    const nobody = await patch('review/release', { releaseId: 'nothing', action: 'approve' }, ada.key)
    expect(nobody.body.code).toBe('admin_required')
    expect((await served.get('arcade/review/queue', ada.key)).body.code).toBe('admin_required')
    await patch('releases/submit', { releaseId }, reviewer.key)
    const refused = await patch('review/release', { releaseId, action: 'approve' }, reviewer.key)
    expect([refused.status, refused.body.code]).toStrictEqual([403, 'own_release'])
    const unknown = await patch('review/release', { releaseId: 'nothing', action: 'approve' }, reviewer.key)
    expect([unknown.status, unknown.body.code]).toStrictEqual([404, 'release_not_found'])
  })

  it('goes from a draft to a channel, step by step', async () => {
    const { gameId, slug } = await newGame(ada)
    const { releaseId } = (await upload({ gameId }, ada.key)).body.release
    const step = async (action: string, more: object = {}) => {
      const { status, body } = await patch('review/release', { releaseId, action, ...more }, reviewer.key)
      return status === 200 ? body.release.status : body.code
    }
    expect(await step('send_to_review')).toBe('release_state_conflict')
    expect((await patch('releases/submit', { releaseId }, ben.key)).body.code).toBe('release_not_found')
    expect((await patch('releases/submit', { releaseId }, ada.key)).body.release.status).toBe('submitted')
    expect((await patch('releases/submit', { releaseId }, ada.key)).body.code).toBe('release_state_conflict')
    const { body: queue } = await served.get('arcade/review/queue', reviewer.key)
    expect(queue.releases.at(-1)).toMatchObject({ releaseId, slug, status: 'submitted' })
    expect(await step('publish', { channel: 'live' })).toBe('release_state_conflict')
    expect(await step('reject')).toBe('validation_failed')
    expect(await step('publish')).toBe('validation_failed')
    expect(await step('send_to_review')).toBe('in_review')
    expect(await step('approve', { notes: 'fine' })).toBe('approved')
    expect(await step('approve')).toBe('release_state_conflict')
    expect(await step('reject', { notes: 'late' })).toBe('release_state_conflict')
    expect(await step('publish', { channel: 'dev' })).toBe('published')
    expect(await step('publish', { channel: 'live' })).toBe('published')
    expect((await patch('releases/submit', { releaseId }, ada.key)).body.code).toBe('release_state_conflict')
  })

  it('may reject, and says why', async () => {
    const { gameId } = await newGame(ada)
    const { releaseId } = (await upload({ gameId }, ada.key)).body.release
    await patch('releases/submit', { releaseId }, ada.key)
    await patch('review/release', { releaseId, action: 'reject', notes: 'It does not start.' }, reviewer.key)
    const { body } = await served.get('arcade/games/mine', ada.key)
    const [mine] = body.games.find((each: { gameId: string }) => each.gameId === gameId).releases
    expect(mine).toMatchObject({ status: 'rejected', reviewNotes: 'It does not start.' })
  })
})

describe('a channel', () => {
  it('shows each account what it may see', async () => {
    const seen = async (slug: string, channel: string) =>
      Promise.all(
        [ada, ben, reviewer].map(async ({ key }) => {
          const { status } = await served.get(`arcade/games/detail?slug=${slug}&channel=${channel}`, key)
          const { body } = await served.get(`arcade/catalog?channel=${channel}`, key)
          const isListed = body.entries.some((entry: { slug: string }) => entry.slug === slug)
          expect(isListed).toBe(status === 200)
          return status
        }),
      )
    const [open, own, hidden] = [
      await published(),
      await published({ channel: 'dev' }),
      await published({ visibility: 'hidden' }),
    ]
    expect(await seen(open.slug, 'live')).toStrictEqual([200, 200, 200])
    expect(await seen(open.slug, 'dev')).toStrictEqual([404, 404, 404])
    expect(await seen(own.slug, 'dev')).toStrictEqual([200, 404, 200])
    expect(await seen(hidden.slug, 'live')).toStrictEqual([404, 404, 200])
    expect((await launch(own.slug, ben.key, { channel: 'dev' })).body.code).toBe('game_not_found')
  })

  it('has the release that was published last', async () => {
    const { gameId, slug } = await published()
    const sent = { gameId, manifestJson: JSON.stringify(manifest('1.1.0')) }
    const { releaseId } = (await upload(sent, ada.key)).body.release
    await patch('releases/submit', { releaseId }, ada.key)
    await patch('review/release', { releaseId, action: 'approve' }, reviewer.key)
    await patch('review/release', { releaseId, action: 'publish', channel: 'live' }, reviewer.key)
    const { body } = await served.get(`arcade/games/detail?slug=${slug}`, ben.key)
    expect(body.release).toMatchObject({ releaseId, version: '1.1.0' })
  })
})

describe('a launch', () => {
  it('opens the files of its release, under its address alone', async () => {
    const { slug, releaseId } = await published()
    const { status, body } = await launch(slug)
    expect([status, body.session.status]).toStrictEqual([201, 'created'])
    const { launchUrl } = body.session
    const page = await fetch(launchUrl)
    expect(await page.text()).toContain('Star Drift')
    expect(page.headers.get('content-security-policy')).toMatch(
      /^sandbox allow-scripts .*default-src 'none'.*connect-src data: blob: http/,
    )
    expect(page.headers.get('cross-origin-opener-policy')).toBeNull()
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    const module = await fetch(new URL('index.wasm', launchUrl))
    expect(module.headers.get('content-type')).toBe('application/wasm')
    const known = { headers: { 'if-none-match': page.headers.get('etag') ?? '' } }
    expect((await fetch(launchUrl, known)).status).toBe(304)
    expect((await fetch(launchUrl, { method: 'HEAD' })).headers.get('content-length')).toBe(
      page.headers.get('content-length'),
    )
    for (const path of ['other.js', '../index.html', '%2e%2e/index.html', './', 'cover']) {
      expect((await fetch(new URL(path, launchUrl))).status).not.toBe(200)
    }
    const forged = launchUrl.replace(/play\/[^/]+/, `play/${releaseId}`)
    expect((await fetch(forged)).status).toBe(404)
    const [, token = ''] = /play\/([^/]+)/.exec(launchUrl) ?? []
    const bent = `${token.slice(0, -3)}${token.endsWith('AAA') ? 'BBB' : 'AAA'}`
    expect((await fetch(launchUrl.replace(token, bent))).status).toBe(404)
  })

  it('is isolated where the manifest says threads', async () => {
    const { slug } = await published({ threads: true })
    const { body } = await launch(slug)
    const { headers } = await fetch(body.session.launchUrl)
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp')
    expect(headers.get('content-security-policy')).not.toContain('sandbox')
  })

  it('is one for one key, and another’s is not found', async () => {
    const { slug } = await published()
    const wanted = { slug, idempotencyKey: randomUUID() }
    const first = await served.post('arcade/launch-sessions', wanted, ben.key)
    const again = await served.post('arcade/launch-sessions', wanted, ben.key)
    expect(again.body).toStrictEqual(first.body)
    const both = await served.post('arcade/launch-sessions', wanted, ben.key, { 'x-idempotency-key': 'other' })
    expect([both.status, both.body.code]).toStrictEqual([400, 'conflicting_inputs'])
    const { sessionId } = first.body.session
    const foreign = await patch('launch-sessions', { sessionId, event: 'launched' }, ada.key)
    expect([foreign.status, foreign.body.code]).toStrictEqual([404, 'launch_session_not_found'])
  })

  it('that is asked for again is the first one, though its game is gone since', async () => {
    const { slug, releaseId } = await published()
    const wanted = { slug, idempotencyKey: randomUUID() }
    const first = await served.post('arcade/launch-sessions', wanted, ben.key)
    const hide = { releaseId, action: 'publish', channel: 'live', visibility: 'hidden' }
    expect((await patch('review/release', hide, reviewer.key)).status).toBe(200)
    expect((await launch(slug)).body.code).toBe('game_not_found')
    const again = await served.post('arcade/launch-sessions', wanted, ben.key)
    expect([again.status, again.body]).toStrictEqual([201, first.body])
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const other = await served.post('arcade/launch-sessions', { ...wanted, channel: 'dev' }, ben.key)
    expect([other.status, other.body.code]).toStrictEqual([409, 'idempotency_key_reused'])
  })

  it('is told how it goes, and hears nothing after its end', async () => {
    const { slug } = await published()
    const tell = async (sessionId: string, event: string, more: object = {}) => {
      const { status, body } = await patch('launch-sessions', { sessionId, event, ...more }, ben.key)
      return status === 200 ? body.session.status : body.code
    }
    const { sessionId, launchUrl } = (await launch(slug)).body.session
    expect(await tell(sessionId, 'heartbeat')).toBe('launch_session_state_conflict')
    expect(await tell(sessionId, 'launched')).toBe('launched')
    for (const event of ['launched', 'heartbeat', 'heartbeat']) expect(await tell(sessionId, event)).toBe('launched')
    expect(await tell(sessionId, 'end')).toBe('ended')
    expect(await tell(sessionId, 'end')).toBe('ended')
    expect(await tell(sessionId, 'heartbeat')).toBe('launch_session_state_conflict')
    const over = await fetch(launchUrl)
    expect([over.status, ((await over.json()) as { code: string }).code]).toStrictEqual([410, 'launch_session_over'])

    const { sessionId: other } = (await launch(slug)).body.session
    expect(await tell(other, 'failed_bootstrap')).toBe('validation_failed')
    expect(await tell(other, 'failed_bootstrap', { failureReason: 'no WebGL' })).toBe('failed_bootstrap')
    expect(await tell(other, 'failed_bootstrap', { failureReason: 'again' })).toBe('failed_bootstrap')
    expect(await tell(other, 'launched')).toBe('launch_session_state_conflict')
  })

  it('that does not begin, or falls silent, is ended by the sweep', async () => {
    const { slug } = await published()
    const [idle, silent] = [(await launch(slug)).body.session, (await launch(slug)).body.session]
    await patch('launch-sessions', { sessionId: silent.sessionId, event: 'launched' }, ben.key)
    const sessions = [
      [idle, 'never_started'],
      [silent, 'silent'],
    ] as const
    await sweptInTwoHours(async () => {
      for (const [{ sessionId }] of sessions) {
        expect((await served.parts.bus.current(arcadeLaunch, sessionId)).status).toBe('ended')
      }
    })
    for (const [{ sessionId }, reason] of sessions) {
      const events = await Array.fromAsync(served.store.readStream(`killatamata.arcadeLaunch-${sessionId}`))
      const ends = events.at(-1)
      expect(ends?.data).toMatchObject({ reason })
    }
  })
})

/** The studio over HTTP: projects, conversations, texts, storyboards, files, and what another account sees of them. */
import { hash, randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answered } from '../serving.ts'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'

let served: ServedKillatamata
let ada: Customer
let ben: Customer
let projectId: string

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

beforeAll(async () => {
  served = await startKillatamata()
  ada = await served.customer('ada')
  ben = await served.customer('ben')
  const made = await served.post('studio/projects', { title: 'Lighthouse' }, ada.key)
  projectId = made.body.project.projectId
})
afterAll(() => served.stop())

const patch = (path: string, body: unknown, key = ada.key, headers: Record<string, string> = {}): Promise<Answered> =>
  served.ask('PATCH', `/api/v1/studio/${path}`, { body, key, headers })
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  served.post(`studio/${path}`, body, ada.key, headers)
const get = (path: string, key = ada.key) => served.get(`studio/${path}`, key)
const upload = (filename: string, raw: Buffer | string, headers: Record<string, string> = {}) =>
  served.ask('POST', `/api/v1/studio/assets/upload?projectId=${projectId}&filename=${encodeURIComponent(filename)}`, {
    ...{ key: ada.key, raw, headers: { 'content-type': 'application/octet-stream', ...headers } },
  })
const refusal = ({ status, body }: Answered) => [status, body.code]
const refusedAt = (answer: Answered) => [...refusal(answer), answer.body.errors?.[0]?.pointer]

describe('a workspace', () => {
  it('of a new account has defaults and empty lists, and reading it writes nothing', async () => {
    const cara = await served.customer('cara')
    const { body } = await served.get('studio/snapshot', cara.key)
    expect(body).toMatchObject({
      ok: true,
      workspace: {
        settings: { userDisplayName: null, defaultAgentModel: 'gpt-5.4-mini', defaultReasoningLevel: 'default' },
        ...{ projects: [], assets: [], workflowRuns: [], approvals: [], publishing: [], activeThread: null },
      },
    })
    expect(body.workspace.templates.length).toBeGreaterThan(0)
    expect((await served.get('studio/snapshot', cara.key)).body).toStrictEqual(body)
  })

  it('shows what its account has put into the arcade', async () => {
    const dora = await served.customer('dora')
    const game = {
      slug: 'a-lighthouse',
      title: 'A lighthouse',
      shortDescription: 'Light.',
      description: 'A game.',
      tags: [],
    }
    const { gameId } = (await served.post('arcade/games', game, dora.key)).body.game
    const { release } = await served.release(gameId, dora.key)
    const { publishing } = (await get('snapshot', dora.key)).body.workspace
    expect(publishing).toStrictEqual([release])
    expect((await get('snapshot')).body.workspace.publishing).toStrictEqual([])
  })

  it('has settings, of which a change leaves alone what it does not name', async () => {
    const models = { defaultAgentModel: 'deepseek-chat', defaultReasoningLevel: 'low' }
    const first = await patch('settings', { ...models, userDisplayName: 'Ada', later: 'ignored' })
    const second = await patch('settings', models)
    expect(second.body).toStrictEqual(first.body)
    expect(second.body.settings).toMatchObject({ ...models, userDisplayName: 'Ada', assistantDisplayName: null })
    expect((await get('snapshot')).body.workspace.settings).toStrictEqual(second.body.settings)
    expect(refusedAt(await patch('settings', { defaultAgentModel: 'gpt-4' }))).toStrictEqual([
      ...[400, 'validation_failed', '/defaultAgentModel'],
    ])
  })
})

describe('a project', () => {
  it('is made once for a key, and changed', async () => {
    const key = { 'x-idempotency-key': 'project-1' }
    const made = await post('projects', { title: 'Harbour', description: 'Ships.' }, key)
    const again = await post('projects', { title: 'Harbour', description: 'Ships.' }, key)
    expect(made.status).toBe(201)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.body).toStrictEqual(made.body)
    expect(refusal(await post('projects', { title: 'Other' }, key))).toStrictEqual([409, 'idempotency_key_reused'])
    const { projectId: id } = made.body.project
    const changed = await patch('projects/update', { projectId: id, title: 'Port' })
    expect(changed.body.project).toMatchObject({ projectId: id, title: 'Port', description: 'Ships.' })
    expect((await get('snapshot')).body.workspace.projects).toContainEqual(changed.body.project)
  })

  it('of another account is not there', async () => {
    const absent = [404, 'project_not_found']
    expect(refusal(await patch('projects/update', { projectId, title: 'Mine' }, ben.key))).toStrictEqual(absent)
    expect(refusal(await get(`projects/assets?projectId=${projectId}`, ben.key))).toStrictEqual(absent)
    expect(refusal(await patch('projects/update', { projectId: 'proj_1', title: 'Mine' }))).toStrictEqual(absent)
  })
})

describe('a conversation', () => {
  it('is the open one once it is made or selected, and is renamed', async () => {
    const models = { defaultAgentModel: 'zai-org/GLM-5', defaultReasoningLevel: 'high' }
    await patch('settings', models)
    const first = await post('threads', { projectId, title: 'First', agentModel: 'gpt-5.4-nano' })
    const second = await post('threads', { projectId })
    expect(first.body.thread).toMatchObject({ projectId, agentModel: 'gpt-5.4-nano', reasoningLevel: 'high' })
    expect(second.body.thread.agentModel).toBe('zai-org/GLM-5')
    const open = async () => (await get('snapshot')).body.workspace.activeThread
    expect(await open()).toStrictEqual(second.body.thread)
    const { threadId } = first.body.thread
    expect((await post('threads/select', { threadId })).body.thread).toStrictEqual(first.body.thread)
    expect(await open()).toStrictEqual(first.body.thread)
    const { body } = await patch('threads/update', { threadId, title: 'Fog' })
    expect(body.thread.title).toBe('Fog')
    expect((await get(`threads/detail?threadId=${threadId}`)).body).toStrictEqual({ ...body, messages: [] })
    expect(refusal(await get(`threads/detail?threadId=${threadId}`, ben.key))).toStrictEqual([404, 'thread_not_found'])
    expect(refusal(await served.post('studio/threads/select', { threadId }, ben.key))).toStrictEqual([
      404,
      'thread_not_found',
    ])
  })
})

describe('a text', () => {
  it('is saved under the next version, unless somebody was faster', async () => {
    const made = await post('assets/text', { projectId, title: 'Notes', content: '# Föhn 🌫️' })
    const { asset } = made.body
    expect(asset).toMatchObject({ kind: 'text', filename: 'Notes.md', mimeType: 'text/markdown', version: 1 })
    const read = await get(`assets/text/document?assetId=${asset.assetId}`)
    expect(read.body).toStrictEqual({ ok: true, asset, document: { content: '# Föhn 🌫️', version: 1 } })
    const of = { assetId: asset.assetId, content: 'Second' }
    const saved = await patch('assets/text/document', of, ada.key, { 'if-match': '"1"' })
    expect(saved.body.document).toStrictEqual({ content: 'Second', version: 2 })
    expect(refusedAt(await patch('assets/text/document', of, ada.key, { 'if-match': '"1"' }))).toStrictEqual([
      ...[409, 'document_changed', 'header/if-match'],
    ])
    expect(refusal(await patch('assets/text/document', of, ada.key, { 'if-match': 'one' }))).toStrictEqual([
      400,
      'validation_failed',
    ])
    expect(refusal(await patch('assets/text/document', of, ben.key))).toStrictEqual([404, 'asset_not_found'])
    expect((await get(`assets/text/document?assetId=${asset.assetId}`)).body).toStrictEqual(saved.body)
  })

  it('that was changed meanwhile leaves nothing of what is refused in the store', async () => {
    const { asset } = (await post('assets/text', { projectId, title: 'Notes', content: 'One' })).body
    const content = `Late ${randomUUID()}`
    const key = `files/studio/${ada.accountId}/${hash('sha256', content)}`
    const stored = () => served.parts.studio.objects.read(key)
    const save = (version: string) =>
      patch('assets/text/document', { assetId: asset.assetId, content }, ada.key, { 'if-match': version })
    expect(refusal(await save('"7"'))).toStrictEqual([409, 'document_changed'])
    await expect(stored()).rejects.toMatchObject({ name: 'ObjectMissing' })
    expect((await save('"1"')).status).toBe(200)
    ;(await stored()).destroy()
  })

  it('is of a type of texts, and as long as it may be', async () => {
    const text = { projectId, title: 'Long', content: 'ä'.repeat(524_288) }
    const { body, status } = await post('assets/text', text)
    expect([status, body.asset.sizeBytes]).toStrictEqual([201, 1_048_576])
    expect((await get(`assets/text/document?assetId=${body.asset.assetId}`)).body.document.content).toBe(text.content)
    expect(refusal(await post('assets/text', { ...text, content: `${text.content}a` }))).toStrictEqual([
      400,
      'validation_failed',
    ])
    expect(refusedAt(await post('assets/text', { projectId, title: 'A', mimeType: 'image/png' }))).toStrictEqual([
      ...[400, 'validation_failed', '/mimeType'],
    ])
  })
})

describe('a storyboard', () => {
  const scenes = [
    {
      id: 'fog',
      title: 'Fog',
      prompt: 'In fog.\n## no heading',
      durationSeconds: 4,
      shots: [{ title: 'Wide', lens: 35 }],
    },
    { id: 'dawn', title: 'Dawn' },
  ]
  const storyboard = { version: 2, title: 'Film', scenes }

  it('without a document has no scenes; one that is no good is refused where it is wrong', async () => {
    const made = await post('assets/storyboards', { projectId, title: 'Film' })
    expect(made.body).toMatchObject({
      version: 1,
      storyboard: { version: 2, scenes: [] },
      asset: { kind: 'storyboard' },
    })
    const { assetId } = made.body.asset
    const twice = { ...storyboard, scenes: [scenes[0], scenes[0]] }
    expect(refusedAt(await patch('assets/storyboards/document', { assetId, storyboard: twice }))).toStrictEqual([
      ...[400, 'storyboard_invalid', '/storyboard/scenes/1/id'],
    ])
    const saved = await patch('assets/storyboards/document', { assetId, storyboard })
    expect(saved.body).toMatchObject({ version: 2, storyboard })
    expect((await get(`assets/storyboards/document?assetId=${assetId}`)).body).toStrictEqual(saved.body)
    expect(refusal(await get(`assets/text/document?assetId=${assetId}`))).toStrictEqual([404, 'asset_not_found'])
  })

  it('goes to Markdown and back with the same scenes', async () => {
    const { asset } = (await post('assets/storyboards', { projectId, title: 'Film', storyboard })).body
    const path = `/api/v1/studio/assets/storyboards/export-markdown?assetId=${asset.assetId}`
    const exported = (await served.ask('GET', path, { key: ada.key })).body
    expect(exported).toMatchObject({ ok: true, assetId: asset.assetId, filename: 'Film.md' })
    const plain = await served.ask('GET', path, { key: ada.key, headers: { accept: 'text/markdown' } })
    expect(plain.headers.get('content-type')).toBe('text/markdown; charset=utf-8')
    expect(plain.body).toBe(exported.markdown)
    const source = (await post('assets/text', { projectId, title: 'Export', content: exported.markdown })).body.asset
    const imported = await post('assets/storyboards/import', { projectId, sourceAssetId: source.assetId })
    expect(imported.status).toBe(201)
    expect(imported.body.storyboard.scenes).toStrictEqual(scenes)
  })

  it('is imported from a document of version 1, which stays, and from no picture', async () => {
    const legacy = JSON.stringify({ scenes: [{ name: 'Fog', description: 'In fog' }] })
    const { asset } = (await upload('old.json', legacy)).body
    const imported = await post('assets/storyboards/import', { projectId, sourceAssetId: asset.assetId, title: 'New' })
    expect(imported.body.storyboard.scenes).toStrictEqual([{ id: 'scene-1', title: 'Fog', prompt: 'In fog' }])
    expect(imported.body.asset.title).toBe('New')
    const picture = (await upload('fog.png', PNG)).body.asset
    expect(
      refusedAt(await post('assets/storyboards/import', { projectId, sourceAssetId: picture.assetId })),
    ).toStrictEqual([400, 'storyboard_invalid', '/sourceAssetId'])
    expect(
      refusedAt(await post('assets/storyboards/import', { projectId, sourceAssetId: 'asset_none' })),
    ).toStrictEqual([404, 'asset_not_found', '/sourceAssetId'])
  })
})

describe('a file', () => {
  it('has the type of its bytes and a name without a path, and is fetched by an address that nobody guesses', async () => {
    const { status, body } = await upload('../../etc/fog.txt', PNG)
    const { asset } = body
    expect(status).toBe(201)
    expect(asset).toMatchObject({ kind: 'file', filename: 'fog.txt', title: 'fog', mimeType: 'image/png' })
    expect(asset).toMatchObject({ sizeBytes: PNG.length, sha256: hash('sha256', PNG) })
    const answer = await fetch(asset.url)
    expect(Buffer.from(await answer.arrayBuffer())).toStrictEqual(PNG)
    expect(answer.headers.get('content-type')).toBe('image/png')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toContain('sandbox')
    const etag = answer.headers.get('etag') ?? ''
    expect((await fetch(asset.url, { headers: { 'if-none-match': etag } })).status).toBe(304)
    const part = await fetch(asset.url, { headers: { range: 'bytes=1-3' } })
    expect([part.status, await part.text()]).toStrictEqual([206, 'PNG'])
    expect(part.headers.get('content-range')).toBe(`bytes 1-3/${PNG.length}`)
    const behind = await fetch(asset.url, { headers: { range: 'bytes=9999-' } })
    expect(behind.status).toBe(416)
    expect((await fetch(asset.url.replace(/\/[0-9a-f]{48}\//, `/${'0'.repeat(48)}/`))).status).toBe(404)
  })

  it('that is a page is never shown as one', async () => {
    const { asset } = (await upload('page.html', '<script>alert(1)</script>')).body
    const answer = await fetch(asset.url)
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    await answer.text()
  })

  it('is uploaded once for a key, and never above its limit', async () => {
    const key = { 'x-idempotency-key': 'upload-1' }
    const first = await upload('fog.png', PNG, key)
    expect((await upload('fog.png', PNG, key)).body).toStrictEqual(first.body)
    expect(refusal(await upload('fog.png', Buffer.concat([PNG, PNG]), key))).toStrictEqual([
      409,
      'idempotency_key_reused',
    ])
    expect((await upload('large', Buffer.alloc(52_428_801))).status).toBe(413)
  })

  it('that is refused under its key leaves nothing, nor does a text', async () => {
    const { objects, directory } = served.parts.arcade
    const stored = async () => (await objects.list('files/studio/', undefined, 10_000)).map(({ key }) => key)
    const key = { 'x-idempotency-key': 'upload-2' }
    const text = (content: string) =>
      post('assets/text', { projectId, title: 'Note', content }, { 'x-idempotency-key': 'text-2' })
    await upload('one.png', PNG, key)
    await text('one')
    const before = await stored()
    for (const answer of [await upload('two.txt', 'other bytes', key), await text('other words')]) {
      expect(refusal(answer)).toStrictEqual([409, 'idempotency_key_reused'])
    }
    expect((await upload('large', Buffer.alloc(52_428_801))).status).toBe(413)
    expect((await upload('three.txt', 'three', { 'x-idempotency-key': 'a key' })).status).toBe(400)
    expect(await stored()).toStrictEqual(before)
    expect(await readdir(directory)).toStrictEqual([])
  })

  it('has notes of its owner, within bounds, which a search finds', async () => {
    const { assetId } = (await upload('Dawn_100%.png', PNG)).body.asset
    const notes = { userMetadata: { mood: { words: ['Calm Sea'] } } }
    const { body } = await patch('assets/metadata', { assetId, ...notes })
    expect(body.asset).toMatchObject(notes)
    const find = async (query: string) => (await get(`projects/assets?projectId=${projectId}&${query}`)).body
    expect((await find('searchQuery=calm%20sea')).assets).toStrictEqual([body.asset])
    expect((await find('searchQuery=DAWN_100%25')).assets).toStrictEqual([body.asset])
    expect((await find('searchQuery=d_wn')).total).toBe(0)
    const { asset: russian } = (await post('assets/text', { projectId, title: 'Тихое МОРЕ' })).body
    await patch('assets/metadata', { assetId: russian.assetId, userMetadata: { mood: 'Утро' } })
    for (const search of ['море', 'ТИХОЕ', 'УТРО', 'утро']) {
      const { assets } = await find(`searchQuery=${encodeURIComponent(search)}`)
      expect(assets.map(({ assetId: found }: { assetId: string }) => found)).toStrictEqual([russian.assetId])
    }
    for (const large of ['1000000000', '9007199254740993', '1'.repeat(30)]) {
      expect((await find(`limit=${large}`)).limit).toBe(200)
      expect(await find(`offset=${large}`)).toMatchObject({ ok: true, assets: [] })
    }
    const all = await find('limit=1000')
    expect(all).toMatchObject({ offset: 0, limit: 200, total: all.assets.length })
    const page = await find('limit=2&offset=1')
    expect(page.assets).toStrictEqual(all.assets.slice(1, 3))
    expect(page.total).toBe(all.total)
    expect((await find('scope=recycling')).total).toBe(0)
    const deep = JSON.parse(`${'{"a":'.repeat(9)}1${'}'.repeat(9)}`)
    for (const userMetadata of [deep, { long: 'x'.repeat(16_384) }]) {
      expect(refusedAt(await patch('assets/metadata', { assetId, userMetadata }))).toStrictEqual([
        ...[400, 'validation_failed', '/userMetadata'],
      ])
    }
    expect(refusal(await patch('assets/metadata', { assetId, userMetadata: {} }, ben.key))).toStrictEqual([
      404,
      'asset_not_found',
    ])
  })
})

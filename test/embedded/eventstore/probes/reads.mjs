/** Probes of reads of streams and of $all. */

import { prepareState, STATES } from './append.mjs'
import {
  attempt,
  line,
  nameOf,
  ours,
  probe,
  rawAppend,
  rawRead,
  readLine,
  readRequest,
  S,
  subLine,
  tried,
  uuidShape,
  uuidValue,
} from './asking.mjs'

async function fiveEvents(ctx, stream, extra) {
  await ctx.append(
    stream,
    ['1', '2', '3', '4', '5'].map((l) => `${stream}${l}`),
  )
  if (extra) await ctx.client.setStreamMetadata(stream, extra)
}
const READ_VARIANTS = {
  plain: undefined,
  'maxCount 2': { maxCount: 2 },
  'tb 3': { truncateBefore: 3 },
  'tb 5 (all)': { truncateBefore: 5 },
  'tb 9 (beyond)': { truncateBefore: 9 },
}
for (const [variant, metadata] of Object.entries(READ_VARIANTS)) {
  for (const backwards of [false, true]) {
    probe(
      `read.stream.${variant}.${backwards ? 'backwards' : 'forwards'}`,
      async (ctx) => {
        const x = ctx.s('x')
        await fiveEvents(ctx, x, metadata)
        const out = {}
        for (const from of [
          'start',
          'end',
          0,
          1,
          3,
          4,
          5,
          100,
          '9223372036854775806',
          '9223372036854775807',
          '18446744073709551615',
        ]) {
          for (const count of [1, 2, 100])
            out[`${from} x${count}`] = await readLine(ctx, { stream: x, from, count, backwards })
        }
        for (const compat of [0, 1, 21])
          out[`compat ${compat}`] = await readLine(ctx, {
            stream: x,
            count: 100,
            backwards,
            from: backwards ? 'end' : 'start',
            compat,
          })
        out['compat 1 part'] = await readLine(ctx, { stream: x, count: 2, backwards, from: 3, compat: 1 })
        return out
      },
      { timeout: 20_000 },
    )
  }
}
probe('read.stream.counts', async (ctx) => {
  const x = ctx.s('x')
  await fiveEvents(ctx, x)
  const out = {}
  for (const backwards of [false, true])
    for (const count of [0, 3, '4294967295', '9223372036854775807', '18446744073709551615'])
      out[`${backwards ? 'b' : 'f'} ${count}`] = await readLine(ctx, {
        stream: x,
        from: backwards ? 'end' : 'start',
        count,
        backwards,
      })
  out['client 0'] = await ctx.tryRead(x, { maxCount: 0 })
  out['client missing 0'] = await ctx.tryRead(ctx.s('none'), { maxCount: 0 })
  out['client default'] = await ctx.tryRead(x)
  out['client backwards'] = await ctx.tryRead(x, { direction: 'backwards', fromRevision: 'end' })
  out['client backwards start'] = await ctx.tryRead(x, { direction: 'backwards', fromRevision: 'start' })
  out['client forwards end'] = await ctx.tryRead(x, { fromRevision: 'end' })
  return out
})
probe('read.long', async (ctx) => {
  const x = ctx.s('x')
  for (let i = 0; i < 3; i++)
    await ctx.append(
      x,
      Array.from({ length: 400 }, (_, k) => `${i}/${k}`),
    )
  const f = (await ctx.read(x)).split(' ').map(Number)
  const b = (await ctx.read(x, { direction: 'backwards', fromRevision: 'end' })).split(' ').map(Number)
  return {
    f: [f.length, f.every((n, i) => n === i)],
    b: [b.length, b.every((n, i) => n === 1199 - i)],
    middle: (await ctx.read(x, { fromRevision: 500n, maxCount: 600 })).split(' ').length,
  }
})
probe(
  'read.states',
  async (ctx) => {
    const out = {}
    for (const state of STATES) {
      const x = ctx.s(state)
      await prepareState(ctx, x, state)
      for (const o of [{}, { backwards: true, from: 'end' }, { from: 1 }, { compat: 1 }, { count: 0 }])
        out[`${state} ${JSON.stringify(o)}`] = await readLine(ctx, { stream: x, count: 10, ...o })
      out[`${state} client`] = await attempt(() => ctx.read(x))
      out[`${state} meta stream`] = await readLine(ctx, { stream: `$$${x}`, count: 10 })
    }
    return out
  },
  { timeout: 20_000 },
)
probe(
  'read.odd-requests',
  async (ctx) => {
    const x = ctx.s('x')
    await fiveEvents(ctx, x)
    const out = {}
    const R = async (label, o) => {
      out[label] = await rawRead(ctx, o, { ms: 700, keep: ours(ctx) })
    }
    await R('empty name', { stream: '', count: 5 })
    out['$all as name, whose events'] = (await rawRead(ctx, { stream: '$all', count: 5 }, { ms: 700 })).got.every(
      (g) => g.includes('@$all:') || g.startsWith('not-found'),
    )
      ? 'those of a stream of that name'
      : 'those of the whole log'
    await R('$all as name', { stream: '$all', count: 500 })
    await R('$all as name backwards', { stream: '$all', count: 5, backwards: true, from: 'end' })
    await R('no identifier', { stream: null, count: 5 })
    await R('neither stream nor all', { count: 5 })
    await R('no from', { stream: x, from: 'none', count: 5 })
    await R('all, no from', { all: true, from: 'none', count: 5 })
    await R('no count option', { stream: x })
    await R('all, no count option', { all: true })
    await R('no uuid option', { stream: x, count: 1, uuid: 'none' })
    await R('no filter option', { stream: x, count: 1, noFilterOption: true })
    await R('all, no filter option', { all: true, count: 1, noFilterOption: true })
    await R('filter on stream', { stream: x, count: 9, filter: { on: 'stream', prefixes: [ctx.prefix] } })
    await R('no options', { request: new S.ReadReq() })
    const bad = readRequest({ stream: x, count: 2 })
    bad.getOptions().setReadDirection(7)
    await R('direction 7', { request: bad })
    await R('subscribe backwards', { stream: x, subscribe: true, backwards: true })
    await R('subscribe all backwards', { all: true, subscribe: true, backwards: true, from: 'end' })
    await R('subscribe filter on stream', {
      stream: x,
      subscribe: true,
      filter: { on: 'stream', prefixes: [ctx.prefix] },
    })
    for (const name of ['$$', '$$$$', ' ', '$ce-none']) await R(`name ${name}`, { stream: name, count: 1 })
    out['client empty'] = await attempt(async () => {
      let n = 0
      for await (const e of ctx.client.readStream('', { maxCount: 5 })) n += e.event ? 1 : 0
      return `${n} events of $all`
    })
    out['client $all'] = await attempt(async () => {
      const q = await ctx.read('$all', { maxCount: 3 })
      return q.split(' ').length > 0 ? 'events' : 'none'
    })
    return out
  },
  { timeout: 25_000 },
)
probe('read.uuid-forms', async (ctx) => {
  await ctx.append(ctx.s('x'), ['1'])
  const out = {}
  for (const uuid of ['string', 'structured']) {
    const { raw } = await rawRead(ctx, { stream: ctx.s('x'), count: 1, uuid }, { messages: true })
    const id = raw
      .find((m) => m.hasEvent())
      .getEvent()
      .getEvent()
      .getId()
    out[uuid] = [
      uuidShape(id),
      uuidValue(id) === ctx.id('1'),
      id.hasString() ? id.getString() === id.getString().toLowerCase() : undefined,
    ]
  }
  return out
})
const readEventShape = (m) => {
  const e = m.getEvent()
  return { hasEvent: e.hasEvent(), hasLink: e.hasLink(), commit: e.hasCommitPosition(), noPosition: e.hasNoPosition() }
}
probe(
  'read.links',
  async (ctx) => {
    const out = {}
    const t = ctx.s('t')
    await ctx.append(t, ['a', 'b', 'c'])
    const gone = ctx.s('gone')
    await ctx.append(gone, ['g'])
    await ctx.client.deleteStream(gone)
    const dead = ctx.s('dead')
    await ctx.append(dead, ['d'])
    await ctx.client.tombstoneStream(dead)
    const cut = ctx.s('cut')
    await ctx.append(cut, ['k1', 'k2', 'k3'])
    await ctx.client.setStreamMetadata(cut, { truncateBefore: 2 })
    const chain = ctx.s('chain')
    const datas = {
      ok: `1@${t}`,
      first: `0@${t}`,
      'soft deleted': `0@${gone}`,
      tombstoned: `0@${dead}`,
      truncated: `0@${cut}`,
      kept: `2@${cut}`,
      'no event': `99@${t}`,
      'no stream': `0@${ctx.s('never')}`,
      'no number': `x@${t}`,
      'no at': 'abc',
      empty: '',
      'at only': '@',
      'no name': '1@',
      negative: `-1@${t}`,
      plus: `+1@${t}`,
      spaces: ` 1@${t}`,
      'two ats': `0@${ctx.s('a@b')}`,
      fraction: `1.0@${t}`,
      big: `99999999999999999999@${t}`,
      chain: `0@${chain}`,
      $all: '0@$all',
      meta: `0@$$${cut}`,
    }
    await ctx.append(ctx.s('a@b'), ['ab'])
    await rawAppend(ctx, chain, 'any', [{ id: ctx.id('chain'), type: '$>', data: `0@${t}` }])
    for (const [name, data] of Object.entries(datas)) {
      const l = ctx.s(`l-${name}`)
      for (const [_ct, contentType] of [['octet', 'application/octet-stream']])
        await rawAppend(ctx, l, 'any', [{ id: ctx.id(`l${name}`), type: '$>', data, contentType }])
      const r = await rawRead(ctx, { stream: l, count: 5, links: true }, { messages: true })
      out[name] = {
        read: line(r),
        shape: r.raw.filter((m) => m.hasEvent()).map(readEventShape)[0],
        back: await readLine(ctx, { stream: l, count: 5, links: true, backwards: true, from: 'end' }),
        plain: await readLine(ctx, { stream: l, count: 5 }),
      }
      if (['ok', 'soft deleted', 'no at', 'tombstoned', 'truncated', 'no event', 'no stream'].includes(name)) {
        out[name].sub = await subLine(ctx, { stream: l, links: true }, { ms: 350 })
        out[name].client = await tried(async () => {
          for await (const e of ctx.client.readStream(l, { resolveLinkTos: true }))
            return {
              event: e.event ? `${e.event.revision} ${typeof e.event.position}` : 'undefined',
              link: e.link ? `${e.link.revision} ${e.link.type}` : 'undefined',
              commit: typeof e.commitPosition,
            }
        })
      }
    }
    return out
  },
  { timeout: 60_000 },
)
probe(
  'read.links.all',
  async (ctx) => {
    const t = ctx.s('t')
    await ctx.append(t, ['a', 'b'])
    const l = ctx.s('l')
    await rawAppend(ctx, l, 'any', [
      { id: ctx.id('l1'), type: '$>', data: `1@${t}`, contentType: 'application/octet-stream' },
      { id: ctx.id('l2'), type: '$>', data: `7@${t}`, contentType: 'application/octet-stream' },
    ])
    const [from] = await ctx.positions(t)
    const out = {}
    for (const links of [true, false]) {
      out[`all ${links}`] = await readLine(ctx, { all: true, from, count: 100, links }, { keep: ours(ctx) })
      out[`all back ${links}`] = await readLine(
        ctx,
        { all: true, from: 'end', count: 5, links, backwards: true },
        { keep: ours(ctx) },
      )
      out[`filter type T ${links}`] = await readLine(
        ctx,
        { all: true, from, count: 100, links, filter: { on: 'type', prefixes: ['T'] } },
        { keep: ours(ctx) },
      )
      out[`filter type $> ${links}`] = await readLine(
        ctx,
        { all: true, from, count: 100, links, filter: { on: 'type', prefixes: ['$>'] } },
        { keep: ours(ctx) },
      )
      out[`filter stream l ${links}`] = await readLine(
        ctx,
        { all: true, from, count: 100, links, filter: { on: 'stream', prefixes: [l] } },
        { keep: ours(ctx) },
      )
      out[`sub ${links}`] = await subLine(
        ctx,
        { all: true, from, links, filter: { on: 'stream', prefixes: [ctx.prefix], max: 32, interval: 1 } },
        { keep: ours(ctx), ms: 400 },
      )
    }
    return out
  },
  { timeout: 20_000 },
)
probe(
  'read.all.positions',
  async (ctx) => {
    const x = ctx.s('x')
    for (const l of ['1', '2', '3', '4', '5']) await ctx.append(x, [l])
    await ctx.append(x, ['6', '7'])
    const p = (await ctx.positions(x)).map((each) => each.commit)
    const out = {}
    const at = async (label, commit, prepare = commit, extra = {}) => {
      for (const backwards of [false, true])
        out[`${label} ${backwards ? 'b' : 'f'}`] = await readLine(
          ctx,
          { all: true, from: { commit, prepare }, count: 100, backwards, ...extra },
          { keep: (e) => e.getEvent() && nameOf(e.getEvent().getStreamIdentifier()) === x },
        )
    }
    await at('exact 3', p[2])
    await at('between 3+1', p[2] + 1n)
    await at('between 4-1', p[3] - 1n)
    await at('6 (first of batch)', p[5])
    await at('7 (second of batch)', p[6])
    await at('7-1', p[6] - 1n)
    await at('commit 4 prepare 3', p[3], p[2])
    await at('commit 3 prepare 4', p[2], p[3])
    await at('commit 4 prepare 0', p[3], 0n)
    await at('past the end', p[6] + 1_000_000n)
    await at('far past the end', 4611686018427387904n)
    await at('max int64', 9223372036854775807n)
    await at('max uint64', 18446744073709551615n)
    await at('int64 max + 1', 9223372036854775808n)
    await at('max uint64 prepare 0', 18446744073709551615n, 0n)
    out['0/0 forwards first'] = (
      await rawRead(ctx, { all: true, from: { commit: 0n, prepare: 0n }, count: 1 })
    ).got.length
    out['0/0 backwards'] = await readLine(ctx, {
      all: true,
      from: { commit: 0n, prepare: 0n },
      count: 5,
      backwards: true,
    })
    out['start backwards'] = await readLine(ctx, { all: true, from: 'start', count: 5, backwards: true })
    out['end forwards'] = await readLine(ctx, { all: true, from: 'end', count: 5 })
    out['end backwards count 1'] = (
      await rawRead(ctx, { all: true, from: 'end', count: 1, backwards: true })
    ).got.length
    for (const backwards of [false, true]) {
      out[`count 0 ${backwards}`] = await readLine(ctx, {
        all: true,
        from: backwards ? 'end' : 'start',
        count: 0,
        backwards,
      })
      out[`compat 1 ${backwards}`] = (
        await rawRead(
          ctx,
          { all: true, from: backwards ? 'end' : { commit: p[4], prepare: p[4] }, count: 100, backwards, compat: 1 },
          { keep: () => false },
        )
      ).got
    }
    out['client between'] = await tried(async () => {
      let n = 0
      for await (const _ of ctx.client.readAll({
        fromPosition: { commit: p[2] + 1n, prepare: p[2] + 1n },
        maxCount: 3,
      }))
        n++
      return n > 0 ? 'events' : 'none'
    })
    out['client past'] = await tried(async () => {
      let n = 0
      for await (const _ of ctx.client.readAll({
        fromPosition: { commit: p[6] + 10_000_000n, prepare: p[6] + 10_000_000n },
        maxCount: 3,
      }))
        n++
      return n > 0 ? 'events' : 'none'
    })
    return out
  },
  { timeout: 30_000 },
)
probe(
  'read.all.filtered',
  async (ctx) => {
    const x = ctx.s('x')
    await ctx.append(x, ['1', '2', '3'], 'any', 'Alpha')
    await ctx.append(ctx.s('y'), ['4', '5'], 'any', 'Beta')
    await ctx.append(`$${ctx.prefix}`, ['6'], 'any', '$gamma')
    const [first] = await ctx.positions(x)
    const out = {}
    const F = async (label, filter, o = {}) => {
      out[label] = await readLine(
        ctx,
        { all: true, from: first, count: 100, filter, ...o },
        { keep: ours(ctx), ms: 1500 },
      )
    }
    await F('stream prefix', { on: 'stream', prefixes: [x] })
    await F('stream prefixes', { on: 'stream', prefixes: [x, `$${ctx.prefix}`] })
    await F('stream prefix max 1', { on: 'stream', prefixes: [x], max: 1 })
    await F('stream prefix max 0', { on: 'stream', prefixes: [x], max: 0 })
    await F('stream prefix no window', { on: 'stream', prefixes: [x], noWindow: true })
    await F('no prefix, no regex', { on: 'stream' })
    await F('empty prefix', { on: 'stream', prefixes: [''] })
    await F('empty and other prefix', { on: 'stream', prefixes: ['', 'zzz'] })
    await F('no kind', {})
    await F('regex', { on: 'stream', regex: `^${ctx.prefix}-[xy]$` })
    await F('regex both', { on: 'stream', regex: `-y$`, prefixes: [x] })
    await F('type prefix', { on: 'type', prefixes: ['Al'] })
    await F('type regex', { on: 'type', regex: '^Be' })
    await F('exclude system', { on: 'type', regex: '^[^\\$].*' })
    await F('max bigger count 2', { on: 'stream', prefixes: [ctx.prefix], max: 500 }, { count: 2 })
    await F('count 0', { on: 'stream', prefixes: [ctx.prefix], max: 500 }, { count: 0 })
    await F('back', { on: 'stream', prefixes: [ctx.prefix] }, { backwards: true, from: 'end' })
    const regexes = {
      anchors: `\\A${ctx.prefix}-x\\z`,
      'anchor Z': `\\A${ctx.prefix}-x\\Z`,
      inline: `(?i)^${ctx.prefix.toUpperCase()}-X$`,
      'inline mid': `^${ctx.prefix}-(?i)X$`,
      'inline group': `^(?i:${ctx.prefix.toUpperCase()})-x$`,
      comment: `^${ctx.prefix}-x(?#note)$`,
      atomic: `^(?>${ctx.prefix})-x$`,
      'named .NET': `^(?<n>${ctx.prefix})-x$`,
      'named quote': `^(?'n'${ctx.prefix})-x$`,
      possessive: `^${ctx.prefix}-x++$`,
      unicode: `^\\p{L}[\\w]+-x$`,
      'unicode block': `^\\p{IsBasicLatin}+-x$`,
      lookbehind: `(?<=-)x$`,
      conditional: `^(${ctx.prefix})?(?(1)-x|zzz)$`,
      posix: `^[[:alnum:]]+-x$`,
      subtraction: `^${ctx.prefix}-[a-z-[y]]$`,
      'x flag': `(?x) ^ ${ctx.prefix} - x $`,
      'n flag': `(?n)^(${ctx.prefix})-x$`,
      's flag': `(?s)^${ctx.prefix}.x$`,
      'm flag': `(?m)^${ctx.prefix}-x$`,
      G: `\\G${ctx.prefix}-x`,
      'e escape': `^${ctx.prefix}-x\\e?$`,
      'a escape': `^${ctx.prefix}-x\\a?$`,
      hex: `^${ctx.prefix}\\x2dx$`,
      'u hex': `^${ctx.prefix}\\u002dx$`,
      'u braces': `^${ctx.prefix}\\u{2d}x$`,
      octal: `^${ctx.prefix}\\055x$`,
      'brace literal': `^${ctx.prefix}-x{,2}$`,
      'lone brace': `^${ctx.prefix}-x}?$`,
      'lone bracket': `^${ctx.prefix}-x]?$`,
      'empty class': `^${ctx.prefix}[]x-]+$`,
      backref: `^(d).*-x|\\1never$`,
      'dollar newline': `^${ctx.prefix}-x$`,
      'd unicode': `^[\\w\\d]+-x$`,
      'double ++': `a**`,
      'unclosed (': '(',
      'unclosed [': '[',
      'star first': '*',
      'bad escape': '\\',
      'bad q': '\\q',
      'bad back ref': '\\1',
      'reversed range': '[z-a]',
      'bad quantifier': 'a{2,1}',
      'bad group': '(?z)',
      'empty alternative': `^${ctx.prefix}-x|$^`,
      space: ' ',
    }
    for (const [name, regex] of Object.entries(regexes)) await F(`regex ${name}`, { on: 'stream', regex })
    return out
  },
  { timeout: 60_000 },
)

export { fiveEvents }

/** Storyboards: what is one, and the way to Markdown and back. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromLegacy, isFault, readStoryboard, type Storyboard } from '../../../src/commands/killatamata/storyboard.ts'
import { fromText, toMarkdown } from '../../../src/commands/killatamata/storyboard-markdown.ts'

const film: Storyboard = {
  version: 2,
  title: 'Lighthouse',
  scenes: [
    {
      ...{ id: 'fog', title: 'Fog', prompt: 'A lighthouse in fog.\n\n# Not a heading', durationSeconds: 4.5 },
      ...{ notes: 'Slow. --> End', shots: [{ title: 'Wide', prompt: 'From the sea' }, { lens: '35 mm' }] },
    },
    { id: 'dawn', title: 'Dawn  of   day', mood: { colour: 'red' } },
  ],
}

describe('a storyboard', () => {
  it('has scenes with ids of their own', () => {
    expect(readStoryboard(film)).toStrictEqual(film)
    const twice = { version: 2, scenes: [film.scenes[0], film.scenes[0]] }
    expect(readStoryboard(twice)).toMatchObject({ pointer: '/scenes/1/id' })
    expect(readStoryboard({ version: 1, scenes: [] })).toMatchObject({ pointer: '/version' })
    expect(readStoryboard({ version: 2, scenes: Array(201).fill({ id: 'a', title: 'b' }) })).toMatchObject({
      pointer: '/scenes',
    })
  })

  it('that is exported and imported has the same scenes', () => {
    expect(fromText(toMarkdown(film, 'Asset'))).toStrictEqual({ ...film })
  })

  it('gives the same scenes back whatever people write', () => {
    const hostile = fc.oneof(
      fc.string({ maxLength: 60, unit: 'grapheme' }),
      fc
        .array(
          fc.constantFrom(
            ...[
              '## Scene',
              '# x',
              '**Notes:**',
              '**Duration:** 4 s',
              '<!-- scene {"id":"x"} -->',
              '### Shots',
              '\\# x',
            ],
            ...['-->', '- a', '', ' ', 'text', '\\', '<!-- storyboard version 2 -->', '\r', '\t'],
          ),
          { maxLength: 6 },
        )
        .map((lines) => lines.join('\n')),
    )
    const scene = fc.record(
      {
        title: hostile,
        prompt: hostile,
        notes: hostile,
        durationSeconds: fc.oneof(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0.001, max: 99, noNaN: true })),
        shots: fc.array(fc.record({ title: hostile }, { requiredKeys: [] }), { maxLength: 2 }),
        extra: fc.jsonValue({ maxDepth: 1 }),
      },
      { requiredKeys: ['title'] },
    )
    fc.assert(
      fc.property(fc.array(scene, { maxLength: 4 }), (scenes) => {
        const given = { version: 2, scenes: scenes.map((each, index) => ({ id: `s${index}`, ...each })) }
        const board = readStoryboard(JSON.parse(JSON.stringify(given)))
        if (isFault(board)) throw new Error(`${board.pointer} ${board.detail}`)
        expect(fromText(toMarkdown(board, 'Asset')).scenes).toStrictEqual(board.scenes)
      }),
      { numRuns: 500, examples: [[[{ title: '\u2028' }]], [[{ title: 'a', prompt: 'b\u2029' }]]] },
    )
  })

  it('is made of a document of version 1, under the names that it may have', () => {
    const legacy = {
      name: 'Old film',
      shots: [{ name: 'Fog', description: 'In fog', duration: 4 }, 'A ship passes.\nSlowly.', {}],
    }
    expect(fromLegacy(legacy)).toStrictEqual({
      version: 2,
      title: 'Old film',
      scenes: [
        { id: 'scene-1', title: 'Fog', prompt: 'In fog', durationSeconds: 4 },
        { id: 'scene-2', title: 'A ship passes.', prompt: 'A ship passes.\nSlowly.' },
        { id: 'scene-3', title: 'Scene 3' },
      ],
    })
    expect(fromLegacy({ pages: [] })).toBeUndefined()
  })

  it('is made of any text: of its headings, else of its paragraphs', () => {
    expect(fromText('Once\n\n# Fog\nIn fog.\n\n## Dawn\n').scenes).toStrictEqual([
      { id: 'scene-1', title: 'Fog', prompt: 'In fog.' },
      { id: 'scene-2', title: 'Dawn' },
    ])
    expect(fromText('A ship.\n\nIt passes.').scenes).toStrictEqual([
      { id: 'scene-1', title: 'A ship.', prompt: 'A ship.' },
      { id: 'scene-2', title: 'It passes.', prompt: 'It passes.' },
    ])
  })
})

/** Which test holds which bad input of firsthand's: by file, and by the test's name as it stands there (rows.test.ts). */
import type { Row } from './rows.ts'

const PICTURES = 'test/adapters/inspection/bad-pictures.test.ts'
const FILMS = 'test/adapters/inspection/bad-sound-and-film.test.ts'
const LINKS = 'test/http/firsthand/objects/links.test.ts'
const JOBS = 'test/http/firsthand/jobs.test.ts'
const UPLOADS = 'test/http/firsthand/uploads.test.ts'
const NAMES = 'test/adapters/object-store/content-disposition.test.ts'
const NO_PICTURE = [PICTURES, '%s declared as PNG has one star'] as const
const JOB_FIELDS = [JOBS, 'refuses %s of %j with 422 and names it'] as const
const NUMBERS = [JOBS, 'reads numbers as they are written: %s as %s is %i'] as const
const CURSORS = [
  JOBS,
  'takes a cursor for the list, the filters and the organization alone that it was given for',
] as const

export const badInput: readonly { input: string; tests: Row['tests'] }[] = [
  { input: '0 bytes, one byte', tests: [NO_PICTURE, [UPLOADS, 'is not made for %s']] },
  {
    input: 'a type that lies: PNG named JPEG, HTML, SVG, GIF, ZIP, PDF, EXE',
    tests: [NO_PICTURE, [PICTURES, 'a PNG declared as JPEG is not what it was declared as']],
  },
  {
    input: 'a PNG with a ZIP or a script behind its end',
    tests: [[PICTURES, 'a PNG with %s behind its end passes, and the copy has lost it']],
  },
  {
    input: 'a JPEG whose comment is HTML',
    tests: [[PICTURES, 'a JPEG whose comment is HTML passes, and the copy has lost it']],
  },
  { input: 'a PNG of 20,000 x 20,000', tests: [[PICTURES, '400 million pixels are refused from the header']] },
  {
    input: 'a PNG with text that unpacks to 1 GiB',
    tests: [[PICTURES, 'a text that unpacks to a GiB is not unpacked']],
  },
  {
    input: 'a header of 1 x 1 with more behind it',
    tests: [[PICTURES, 'a header of 1 by 1 before a whole picture is no picture']],
  },
  {
    input: 'CMYK, 16 bit, animated PNG and WebP',
    tests: [
      [PICTURES, 'CMYK becomes sRGB'],
      [PICTURES, '16 bits of a PNG stay'],
      [PICTURES, 'an animated WebP counts as its first picture'],
      [PICTURES, 'an animated PNG is a PNG'],
    ],
  },
  {
    input: 'EXIF: orientation 1 to 8, GPS, broken, 60 KB',
    tests: [
      [PICTURES, 'of orientation %i turns the copy, which says nothing of it'],
      [PICTURES, 'with %s stays away'],
      [PICTURES, 'that is broken does no harm'],
    ],
  },
  { input: 'a JPEG cut at every tenth', tests: [[PICTURES, 'a JPEG of which %i tenths are there is cut']] },
  {
    input: 'WAV with sizes of 0xFFFFFFFF, 0 channels, 0 Hz',
    tests: [
      [FILMS, 'of unknown length reaches to the end of the file'],
      [FILMS, 'with %s has one star'],
    ],
  },
  {
    input: 'MP3 without frames, with 10 MB of ID3',
    tests: [
      [FILMS, 'without frames has one star'],
      [FILMS, 'with 10 MB of tag is its sound'],
    ],
  },
  {
    input: 'mp4 without moov, moov in front and cut',
    tests: [
      [FILMS, 'without an index nothing in it can be found'],
      [FILMS, 'with its index in front and %i tenths of its bytes is cut'],
      [FILMS, 'cut, with a length of samples that was put right (%i), is cut'],
    ],
  },
  {
    input: 'mp4: a million samples, 10^9 s, edit lists, encrypted',
    tests: [
      [FILMS, 'a million samples need room in their table'],
      [FILMS, 'a length of 30 years is not believed'],
      [FILMS, 'a header that says 10^9 seconds is not asked'],
      [FILMS, 'an edit list does no harm'],
      [FILMS, 'an encrypted one cannot be judged'],
    ],
  },
  { input: 'mov with a place', tests: [[FILMS, 'a mov loses the place where it was taken']] },
  {
    input: 'names: ../../x, a\\0.png, CON, 10,000 characters, RTL marks',
    tests: [
      [NAMES, '%j is %j'],
      [UPLOADS, 'is not made for %s'],
      [UPLOADS, 'waits for its score, and is the same again'],
    ],
  },
  {
    input: 'the same file twice at once from two workers',
    tests: [
      [
        'test/processes/firsthand/scoring.test.ts',
        'of the same bytes as another one at the same moment: one goes on, the other has one star',
      ],
    ],
  },
  { input: '500 PUTs on one link', tests: [[LINKS, 'of 500 at once is stored for one of them']] },
  { input: 'a PUT that stalls', tests: [[LINKS, 'is cut, and leaves nothing']] },
  { input: 'chunks without end', tests: [[LINKS, 'ends chunks without an end as soon as they are too many']] },
  {
    input: 'Range: several parts, beyond the end, huge lists',
    tests: [
      [LINKS, 'passes over the range %s'],
      [LINKS, 'refuses the part %s'],
    ],
  },
  {
    input: 'a link with a changed byte in each part',
    tests: [
      [LINKS, 'is good for nothing with a changed byte in any part'],
      ['test/adapters/object-store/link-text.test.ts', 'opens no more with any character changed, left out or added'],
    ],
  },
  { input: 'a link used by another method', tests: [[LINKS, 'is good for its method alone']] },
  { input: 'files_needed 1e3, 1.0, "5", 10001', tests: [NUMBERS, JOB_FIELDS] },
  { input: 'a price of 9007199254740993', tests: [NUMBERS] },
  { input: 'metadata: nested, 51 members, __proto__', tests: [JOB_FIELDS, NUMBERS] },
  {
    input: 'Prefer: wait=-1, wait=1e9, wait=30 with respond-async, twice',
    tests: [
      [JOBS, '%s does not wait'],
      ['test/http/firsthand/job-waits.test.ts', '%s waits %i seconds'],
    ],
  },
  { input: 'cursors of another list, another organization, cut', tests: [CURSORS] },
  { input: 'a cursor of 10 KB', tests: [[JOBS, 'refuses %s with 400']] },
]

<?php

declare(strict_types=1);

use PHPUnit\Framework\TestCase;
use Storebridge\Connect\Model\Signer;

final class SignerTest extends TestCase
{
    public static function vectors(): iterable
    {
        $file = dirname(__DIR__, 2) . '/fixtures/modules/vectors.json';
        foreach (json_decode((string)file_get_contents($file), true)['vectors'] as $vector) {
            yield $vector['name'] => [$vector];
        }
    }

    /**
     * @dataProvider vectors
     */
    public function testJudgesAsTheBridgeDoes(array $vector): void
    {
        $body = (string)hex2bin($vector['body_hex']);
        $good = (new Signer())->verify($vector['header'], $vector['act'], $body, $vector['secrets'], $vector['now']);
        self::assertSame($vector['valid'], $good);
    }

    public function testSignsAsTheBridgeDoes(): void
    {
        $vectors = array_column(array_map(static fn (array $row): array => $row[0], iterator_to_array(self::vectors())), null, 'name');
        foreach (['an event', 'an empty body', 'UTF-8 as it is', 'bytes that are no UTF-8'] as $name) {
            $vector = $vectors[$name];
            $body = (string)hex2bin($vector['body_hex']);
            $header = (new Signer())->sign($vector['secret'], $vector['act'], $body, $vector['t'], $vector['n']);
            self::assertSame($vector['header'], $header);
        }
    }

    public function testAnAnswerToAnotherQuestionIsNone(): void
    {
        $signer = new Signer();
        $header = $signer->sign('s', 'page.answer', '{}', 1000, str_repeat('ab', 16));
        self::assertTrue($signer->verify($header, 'page.answer', '{}', ['s'], 1000, str_repeat('ab', 16)));
        self::assertFalse($signer->verify($header, 'page.answer', '{}', ['s'], 1000, str_repeat('cd', 16)));
    }
}

<?php

declare(strict_types=1);

use PHPUnit\Framework\TestCase;

final class SenderTest extends TestCase
{
    public function testTellsInBatchesAndThenThatAllIsWell(): void
    {
        $world = (new World())->connected();
        $world->memory->set(['cron_at' => time()]);
        $world->outbox->add('product', range(1, 150), 'product.changed');
        self::assertSame(150, $world->sender->run());
        $batches = $world->told('events');
        self::assertSame([100, 50], array_map(static fn (array $body): int => count($body['events']), $batches));
        self::assertSame(range(1, 150), array_column([...$batches[0]['events'], ...$batches[1]['events']], 'id'));
        self::assertSame($world->memory->epoch(), $batches[0]['epoch']);
        self::assertMatchesRegularExpression('/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/', $batches[0]['events'][0]['at']);
        [$beat] = $world->told('heartbeat');
        self::assertSame(['depth' => 0, 'oldest_at' => null, 'last_id' => 150], $beat['outbox']);
        self::assertTrue($beat['cron']['healthy']);
        self::assertSame('https://bridge.example/modules/s1/c1/events', $world->net->sent[0][0]);
    }

    public function testWaitsLongerAfterEachFailureAndSendsTheSameAgain(): void
    {
        $world = (new World())->connected();
        $world->outbox->add('order', [5], 'order.saved');
        $world->status = 503;
        foreach ([60, 300, 900, 3600, 3600] as $pause) {
            $world->memory->set(['next_at' => 0]);
            self::assertSame(0, $world->sender->run());
            self::assertEqualsWithDelta(time() + $pause, $world->memory->get('next_at'), 2);
        }
        self::assertSame(0, $world->sender->run(), 'it is not time yet');
        self::assertCount(5, $world->told('events'));
        $world->status = 200;
        $world->memory->set(['next_at' => 0]);
        self::assertSame(1, $world->sender->run());
        self::assertSame([1, 1, 1, 1, 1, 1], array_map(static fn (array $body): int => $body['events'][0]['id'], $world->told('events')));
        self::assertSame([0, ''], [$world->memory->get('failures'), $world->memory->get('said')]);
    }

    public function testATestGoesAtOnceWhateverWasPutOff(): void
    {
        self::assertNull((new World())->sender->test('abc1'));
        $world = (new World())->connected();
        $world->outbox->add('order', [5], 'order.saved');
        $world->status = 503;
        $world->sender->run();
        self::assertSame('Not now.', $world->sender->test('abc1'));
        $world->status = 200;
        self::assertSame('', $world->sender->test('abc2'));
        $events = array_merge(...array_column(array_slice($world->told('events'), 2), 'events'));
        self::assertSame(['order', 'test', 'test'], array_column($events, 'kind'));
        self::assertSame(['5', 'abc1', 'abc2'], array_column($events, 'external_id'));
        self::assertSame(0, $world->outbox->depth());
        $world->status = 410;
        self::assertNull($world->sender->test('abc3'));
    }

    public function testWhoIsAskedToWaitWaits(): void
    {
        $world = (new World())->connected();
        $world->outbox->add('order', [5], 'order.saved');
        [$world->status, $world->extra] = [429, ['Retry-After' => '1200']];
        $world->sender->run();
        self::assertEqualsWithDelta(time() + 1200, $world->memory->get('next_at'), 2);
    }

    public function testNothingGoesOnTheWordOfAStranger(): void
    {
        $world = (new World())->connected();
        $world->outbox->add('order', [5], 'order.saved');
        $world->isSigned = false;
        self::assertSame([0, 1], [$world->sender->run(), $world->outbox->depth()]);
    }

    public function testAConnectionThatIsGoneIsForgotten(): void
    {
        $world = (new World())->connected();
        $world->outbox->add('order', [5], 'order.saved');
        $world->status = 410;
        $world->sender->run();
        self::assertFalse($world->settings->isConnected());
        self::assertSame(['', 'https://bridge.example'], [$world->settings->secret(), $world->settings->bridge()]);
    }

    public function testA401IsSignedAnewOnce(): void
    {
        $world = (new World())->connected();
        $world->status = 401;
        $world->sender->heartbeat();
        $headers = array_map(static fn (array $sent): string => $sent[2]['X-Storebridge-Signature'], $world->net->sent);
        self::assertCount(2, array_unique($headers));
    }

    public function testOnlyOneSends(): void
    {
        $world = (new World())->connected();
        $world->outbox->add('order', [5], 'order.saved');
        $world->locks->lock('storebridge_sender');
        self::assertSame(0, $world->sender->run());
        $world->locks->unlock('storebridge_sender');
        self::assertSame(1, $world->sender->run());
        self::assertSame([], $world->locks->held);
    }

    public function testHealthSaysThatCronDoesNotRun(): void
    {
        $world = new World();
        $told = $world->health->told();
        self::assertFalse($told['cron']['healthy']);
        self::assertStringContainsString('cron', $told['cron']['note']);
        self::assertSame(['Magento 2.4.8', 16], [$told['platform_version'], strlen($told['epoch'])]);
    }

    public function testMageOsIsToldByItsOwnNameAndVersion(): void
    {
        $world = new World(new Magento\Framework\App\MageOsMetadata());
        $named = 'Mage-OS 1.2.0 (Magento 2.4.8-p1)';
        self::assertSame($named, $world->health->told()['platform_version']);
        $world->connector->connect('anna', 'nl_NL');
        self::assertSame($named, json_decode($world->net->sent[0][1], true)['platform_version']);
    }
}

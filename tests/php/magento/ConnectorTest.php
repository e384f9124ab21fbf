<?php

declare(strict_types=1);

use Magento\Framework\Exception\LocalizedException;
use Magento\Framework\Webapi\Exception as WebapiException;
use PHPUnit\Framework\TestCase;

final class ConnectorTest extends TestCase
{
    public function testOneClickBeginsTheActivationProvesTheStoreAndKeepsTheSecret(): void
    {
        $world = new World();
        $proofs = [];
        $world->net->answer = static function (string $url, string $raw) use ($world, &$proofs): array {
            $code = json_decode($raw, true)['code'];
            $proofs[] = $world->connector->prove($code, 'a challenge');
            $proofs[] = self::refused($world, $code);
            return [200, '{"shop": "s1", "connection": 12, "title": "Shop"}', []];
        };
        $told = $world->connector->connect('anna', 'nl_NL');
        self::assertSame(200, $told->status);
        self::assertSame(['a challenge', 'https://shop.example/'], [$proofs[0]['challenge'], $proofs[0]['store_url']]);
        self::assertSame(403, $proofs[1], 'each code is good once');
        self::assertSame($proofs[0]['secret'], $world->settings->secret());
        self::assertSame('https://bridge.example/modules/s1/12', $world->settings->address());
        self::assertSame([
            ['deleteIntegrationToken', 3],
            ['postToConsumer', 3, 'https://bridge.example/modules/activate/magento'],
            ['loadConsumer', 3],
        ], $world->oauth->calls);
        $body = json_decode($world->net->sent[0][1], true);
        self::assertSame(['magento', 'https://shop.example/rest/', 'consumer-key', 'anna'], [
            $body['platform'], $body['api_url'], $body['activation'], $body['user'],
        ]);
        $link = 'https://shop.example/storebridge/activate/index';
        self::assertSame($link, $world->integrations->one->getData('identity_link_url'));
        self::assertStringNotContainsString($body['code'], (string)json_encode($world->flags->all));
    }

    public function testMagentosOwnActivateConnectsWhoKnowsTheKey(): void
    {
        $world = new World();
        $world->answer = ['shop' => 's1', 'connection' => 'c1'];
        self::assertSame(403, $world->connector->activate('a guess')->status);
        self::assertSame([], $world->net->sent);
        self::assertSame(200, $world->connector->activate('consumer-key')->status);
        self::assertTrue($world->settings->isConnected());
    }

    public function testWhatTheBridgeRefusesIsSaidAndTheOldConnectionStays(): void
    {
        $world = (new World())->connected();
        $secret = $world->settings->secret();
        $world->status = 409;
        $told = $world->connector->connect('anna', 'nl_NL');
        self::assertSame([409, 'Not now.', $secret], [$told->status, $told->text, $world->settings->secret()]);
    }

    public function testACodeThatIsOldOrUnknownProvesNothing(): void
    {
        $world = new World();
        self::assertSame(403, self::refused($world, 'any'));
        $pending = ['code' => hash('sha256', 'old'), 'until' => time() - 1, 'secret' => ''];
        $world->memory->set(['pending' => $pending]);
        self::assertSame(403, self::refused($world, ''));
        self::assertSame(403, self::refused($world, 'old'));
    }

    public function testAnIntegrationThatIsMissingIsNamed(): void
    {
        $world = new World();
        $world->integrations->one->setData('integration_id', null);
        $this->expectException(LocalizedException::class);
        $this->expectExceptionMessage('setup:upgrade');
        $world->connector->connect('anna', 'nl_NL');
    }

    public function testDisconnectingIsToldAndTakesTheTokenBack(): void
    {
        $world = (new World())->connected();
        $world->connector->disconnect('anna');
        self::assertSame([['reason' => 'disconnected', 'user' => 'anna']], $world->told('gone'));
        self::assertSame([['deleteIntegrationToken', 3]], $world->oauth->calls);
        self::assertFalse($world->settings->isConnected());
    }

    private static function refused(World $world, string $code): int
    {
        try {
            $world->connector->prove($code, 'c');
        } catch (WebapiException $refused) {
            return $refused->httpCode;
        }
        return 200;
    }
}

<?php

declare(strict_types=1);

use Magento\Framework\App\ResourceConnection;
use Magento\Framework\DB\Adapter\Adapter;
use Magento\Framework\Mview\ConfigInterface;
use Magento\Framework\View\Design\ThemeInterface;
use Magento\Framework\View\DesignInterface;
use PHPUnit\Framework\TestCase;
use Storebridge\Connect\Model\Page;
use Storebridge\Connect\Model\Told;
use Storebridge\Connect\Plugin\Views;

final class PageTest extends TestCase
{
    public function testAsksForThePageAsTheContractHasItAndKeepsTheStylesheet(): void
    {
        $world = (new World())->connected();
        $world->answer = ['status' => 200, 'html' => '<p>Hi</p>', 'style' => '.sb{}'];
        $user = new Magento\User\Model\User(['id' => 1, 'name' => 'Anna', 'interface_locale' => 'nl_NL']);
        $query = ['path' => 'orders', 'key' => 'secret', 'state' => ['open', 'late'], 'page' => 2];
        $form = ['form_key' => 'k', 'note' => 'Hi', 'odd' => [['deep']]];
        $told = $this->page($world, ['Storebridge_Connect::page'])->asked('POST', 'orders/12', $query, $form, [], $user);
        self::assertTrue($told->isGenuine);
        [$body] = $world->told('page');
        self::assertSame(['POST', 'orders/12', ['open', 'late'], ['2']], [
            $body['method'],
            $body['path'],
            $body['query']['state'],
            $body['query']['page'],
        ]);
        self::assertSame(['state', 'page'], array_keys($body['query']), 'neither the secret key nor the path');
        self::assertSame(['note' => ['Hi'], 'odd' => []], $body['form']);
        self::assertSame([['id' => '1', 'name' => 'Anna'], ['view'], 'nl_NL'], [$body['user'], $body['can'], $body['locale']]);
        self::assertSame(['name' => 'form_key', 'value' => 'form-key'], $body['frame']['csrf']);
        self::assertSame(substr(hash('sha256', ''), 0, 12), $body['frame']['style']);
        $this->page($world, [])->asked('GET', '', [], [], [], $user);
        self::assertSame(substr(hash('sha256', '.sb{}'), 0, 12), $world->told('page')[1]['frame']['style']);
        self::assertStringContainsString('"form":{}', $world->net->sent[1][1], 'an empty table is no list');
    }

    public function testLooksLikeTheAdminThatIsAroundIt(): void
    {
        $world = (new World())->connected();
        $magento = new ThemeInterface('Magento/backend');
        $mageOs = new ThemeInterface('MageOS/m137-admin-theme', $magento);
        foreach ([$magento, $mageOs, new ThemeInterface('Agency/admin', $mageOs)] as $theme) {
            $user = new Magento\User\Model\User();
            $this->page($world, [], $theme)->asked('GET', '', [], [], [], $user);
        }
        $skins = array_map(static fn (array $body): string => $body['frame']['skin'], $world->told('page'));
        self::assertSame(['magento', 'mageos', 'mageos'], $skins);
    }

    public function testAStylesheetOfAStrangerIsNotKept(): void
    {
        $world = (new World())->connected();
        [$world->isSigned, $world->answer] = [false, ['style' => 'body{display:none}']];
        $page = $this->page($world, []);
        self::assertFalse($page->asked('GET', '', [], [], [], new Magento\User\Model\User())->isGenuine);
        self::assertSame('', $page->style());
    }

    public function testAViewSubscribesToWhatIsThereAndOthersAreLeftAlone(): void
    {
        $resource = new ResourceConnection();
        $resource->adapter = new class ($resource->adapter->pdo) extends Adapter {
            public function isTableExists(string $table): bool
            {
                return $table !== 'inventory_source_item';
            }

            public function tableColumnExists(string $table, string $column): bool
            {
                return $column !== 'entity_id';
            }
        };
        $views = new Views($resource);
        $config = $this->createStub(ConfigInterface::class);
        $on = static fn (string $name, string $column): array => [$name => ['name' => $name, 'column' => $column]];
        $of = static fn (string $id, array $on): array => ['view_id' => $id, 'subscriptions' => $on];
        $found = $views->afterGetViews($config, [
            'a' => $of('storebridge_source_item', $on('inventory_source_item', 'source_item_id')),
            'b' => $of('storebridge_product_attribute', $on('catalog_product_entity_int', 'entity_id')),
            'c' => $of('storebridge_reservation', $on('inventory_reservation', 'reservation_id')),
            'd' => $of('catalog_product_price', $on('catalog_product_entity_int', 'entity_id')),
        ]);
        $kept = array_map(static fn (array $view): array => array_keys($view['subscriptions']), $found);
        self::assertSame(
            ['a' => [], 'b' => [], 'c' => ['inventory_reservation'], 'd' => ['catalog_product_entity_int']],
            $kept
        );
        self::assertNull($views->afterGetView($config, null));
    }

    public function testABridgeThatIsAwayIsSaidWithAWayOnAndNotConnectedAnew(): void
    {
        $given = ['posted' => true, 'query' => ['path' => 'returns'], 'can_change' => true, 'bridge' => 'https://bridge.test'];
        $away = $this->printed(new Told(0, 'Storebridge does not answer: timed out'), $given);
        self::assertStringContainsString('does not answer right now', $away);
        self::assertStringContainsString('What you were doing may or may not be done', $away);
        self::assertStringContainsString('href="storebridge/page/index?path=returns"', $away, 'a form is not sent again by it');
        self::assertStringContainsString('<details><summary class="action-tertiary">', $away, 'out of the way; the admin shows a bare summary as text');
        self::assertStringNotContainsString('may or may not', $this->printed(new Told(503, ''), ['posted' => false] + $given));
        $gone = $this->printed(new Told(410, ''), $given);
        self::assertStringContainsString('no longer has this connection', $gone);
        self::assertStringNotContainsString('<details>', $gone);
        self::assertStringNotContainsString('Try again', $gone);
    }

    private function printed(Told $told, array $given): string
    {
        $block = new class ($given + ['told' => $told]) {
            public function __construct(private readonly array $data)
            {
            }

            public function getData(string $name): mixed
            {
                return $this->data[$name];
            }

            public function getUrl(string $path, array $more = []): string
            {
                return "$path?" . http_build_query($more['_query'] ?? []);
            }

            public function getFormKey(): string
            {
                return 'form-key';
            }
        };
        $escaper = new class () {
            public function __call(string $name, array $arguments): string
            {
                return htmlspecialchars((string)$arguments[0]);
            }
        };
        ob_start();
        include dirname(__DIR__, 3) . '/platform_adapters/magento/module/view/adminhtml/templates/page.phtml';
        return (string)ob_get_clean();
    }

    private function page(World $world, array $rights, ?ThemeInterface $theme = null): Page
    {
        return new Page(
            $world->client,
            $world->memory,
            new Magento\Framework\Data\Form\FormKey(),
            new Magento\Framework\AuthorizationInterface($rights),
            new DesignInterface($theme ?? new ThemeInterface('Magento/backend'))
        );
    }
}
